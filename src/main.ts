import './node-version.js'
import { createApp, type App, type Started } from './app.ts'
import { ConfigError, readEnv, toConfig, type Config } from './config.ts'
import { describeFailure } from './db/describe-failure.ts'

// Tells a supervisor not to restart until somebody changes something (EX_CONFIG of sysexits.h).
const EXIT_CONFIG = 78
// Nothing may hold the process beyond the time in which it promised to exit.
const STOP_DEADLINE_MS = 9_500

const config = readConfig()
const app = createApp(config)
let asked = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Only the first: the second comes from somebody who has read it.
    if (!asked)
      process.stderr.write(`\n${signal}: stopping; runs are closed and go on after the next start\n`)
    asked = true
    void shutDown(app, 0)
  })
}

try {
  const started = await app.start()
  if (!config.production && started.port !== null) process.stdout.write(welcome(started, started.port))
} catch (error) {
  // An interrupted start rejects with whatever it was waiting for; that is not a failure.
  if (!asked) {
    process.stderr.write(`${describeFailure(error, config.database?.url ?? null)}\n`)
    await shutDown(app, 1)
  }
}

function readConfig(): Config {
  try {
    return toConfig(readEnv())
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(EXIT_CONFIG)
  }
}

async function shutDown(running: App, exitCode: number): Promise<void> {
  setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref()
  await running.stop()
  process.exit(exitCode)
}

function welcome(started: Started, port: number): string {
  const { adminToken, signInKey, databaseUrl, clusterDirectory, simulatorUrl } = started
  const base = `http://localhost:${port}`
  // Whoever needs a configured token knows it already; it stays out of terminals and logs.
  const generated = config.adminToken === null
  return [
    '',
    'Ledger Mirror runs.',
    // Signs in once: whoever reads the terminal later finds it used.
    `Open: ${base}/login?key=${signInKey}`,
    ...(generated ? [`Admin token: ${adminToken}`] : []),
    'Try:',
    `  curl -H "Authorization: Bearer ${generated ? adminToken : '$ADMIN_TOKEN'}" ${base}/admin/companies`,
    `  curl ${base}/metrics`,
    ...(clusterDirectory === null ? [] : [`Postgres: ${databaseUrl}`, `Its cluster: ${clusterDirectory}`]),
    ...(simulatorUrl === null ? [] : [`QuickBooks simulator: ${simulatorUrl}`]),
    'Ctrl-C stops everything.',
    '',
    '',
  ].join('\n')
}
