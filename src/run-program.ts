import { ConfigError, readEnv, type Env } from './config.ts'
import type { TlsMode } from './db/connect.ts'
import { describeFailure } from './db/describe-failure.ts'

// As sysexits.h has it for a wrong configuration.
const EXIT_CONFIG = 78

/**
 * Runs a program that does one thing on the database at DATABASE_URL and ends. What it throws is told in words for a
 * person, and as the exit code.
 */
export async function runProgram<Settings extends { readonly url: string; readonly tls: TlsMode }>(
  read: (env: Env) => Settings,
  work: (settings: Settings) => Promise<void>,
): Promise<void> {
  let url: string | null = null
  try {
    const settings = read(readEnv())
    url = settings.url
    await work(settings)
  } catch (error) {
    process.stderr.write(`${describeFailure(error, url)}\n`)
    process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1
  }
}
