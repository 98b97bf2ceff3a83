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

const LEFT_OUT = [
  // No Postgres in these: functions, the simulator, Intuit's side, the linter.
  'test/domain/',
  'test/lint/',
  'test/quickbooks/',
  'test/sandbox/',
  // Servers of their own, from the binaries that come with the service.
  'test/bench/',
  'test/db/embedded-postgres',
  'test/service/',
  // Whether the simulation sees defects that were planted in the code has nothing to do with the server, and takes long.
  'test/simulation/defects',
]

/** `npm run test:oldest [-- paths or options of jest]`: the suite on the oldest Postgres that the README claims. */
async function main(asked: readonly string[]): Promise<number> {
  const packageFolder = await fetchOldestPostgres()
  const leftOut = asked.length > 0 ? [] : ['--testPathIgnorePatterns', '/node_modules/', ...LEFT_OUT]
  const jest = spawn(process.execPath, [...JEST, ...leftOut, ...asked], {
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
