import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { fetchOldestPostgres } from './fetch.ts'

const OLDEST_MAJOR = '15'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
]

// Where the version of the server can matter: what is written into the schema, the guards and the history, and every
// statement of the reads. What a run does, hour after hour, is the same SQL that migrations and books try here.
const TAKEN = [
  'test/books/',
  'test/connections/',
  'test/console/(books|operations|session)',
  'test/db/(?!embedded-postgres)',
  'test/history/',
  'test/metrics/',
  'test/migrations/',
  'test/models/',
  'test/restore/',
  'test/sync/(backfill|fenced|incremental|remap)',
]

/** `npm run test:oldest [-- paths or options of jest]`: the suite on the oldest Postgres that the README claims. */
async function main(asked: readonly string[]): Promise<number> {
  const packageFolder = await fetchOldestPostgres()
  const jest = spawn(process.execPath, [...JEST, ...(asked.length > 0 ? asked : TAKEN)], {
    cwd: ROOT,
    env: { ...process.env, TEST_POSTGRES_PACKAGE: packageFolder, TEST_POSTGRES_VERSION: OLDEST_MAJOR },
    stdio: 'inherit',
  })
  // Jest hears a Ctrl-C itself, and takes the server with it; we are not to go before it has.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => jest.kill('SIGTERM'))
  const [exitCode] = (await once(jest, 'exit')) as [number | null]
  return exitCode ?? 1
}

process.exitCode = await main(process.argv.slice(2))
