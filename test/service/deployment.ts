import { setTimeout as wait } from 'node:timers/promises'
import { seedCompanies } from '../../src/connections/seed-companies.ts'
import { createTokenCipher, type TokenCipher } from '../../src/connections/token-cipher.ts'
import { systemClock } from '../../src/db/clock.ts'
import { createDatabase, rowsOf, type Database } from '../../src/db/database.ts'
import { startSandbox, type CompanySpec, type Sandbox } from '../../src/sandbox/sandbox.ts'
import { runProgram, type Ended } from '../setup/run-program.ts'
import { createWorkplace } from '../setup/workplace.ts'
import { launchService, PARTS, type ServiceProcess } from './start-service.ts'
import { findFreePort } from '../setup/free-port.ts'
import { openKnex } from '../setup/open-knex.ts'

/** Processes of the service as in production: on one database, which they neither make nor migrate. */
export interface Deployment {
  readonly databaseUrl: string
  readonly sandbox: Sandbox
  /** Intuit's clock runs on by so much, while ours does not: its access tokens expire before we expect it. */
  moveIntuitsClock(by: { hours: number }): void
  /** Runs `npm run migrate`'s program. */
  migrate(): Promise<Ended>
  /** Puts all companies of the simulator in place, none synced yet. */
  registerCompanies(): Promise<void>
  /** Starts a process and waits for nothing. */
  launch(env?: Record<string, string>): Promise<Replica>
  /** Starts a process and waits until it does everything its roles ask for. */
  start(env?: Record<string, string>): Promise<Replica>
  rows<Row = Record<string, unknown>>(sql: string, bindings?: Bindings): Promise<Row[]>
  /** Asks again and again until the statement gives a row; jest's own time limit bounds it. */
  untilRow<Row = Record<string, unknown>>(sql: string, bindings?: Bindings): Promise<Row>
  /** Kills what still runs. */
  close(): Promise<void>
}

export interface Replica extends ServiceProcess {
  readonly url: string
  request(method: string, path: string, init?: RequestOptions): Promise<Answer>
  /** Asks again and again until the answer is as wanted. */
  untilAnswer(path: string, isWanted: (answer: Answer) => boolean): Promise<Answer>
  /** Sends a signal and gives the exit code; null when the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

type Bindings = Record<string, string | number>

export interface RequestOptions {
  readonly body?: unknown
  readonly token?: string
}

export interface Answer {
  readonly status: number
  readonly text: string
}

export const CLIENT = { clientId: 'deployed-app', clientSecret: 'deployed-app-client-secret' }
export const ADMIN_TOKEN = 'deployed-admin-token-4711'
export const ENCRYPTION_KEY = Buffer.alloc(32, 'a key of the deployment ')

// Short enough to see a change at once, long enough to leave the processor to what is waited for.
const POLL_MS = 50

export interface DeploymentOptions {
  readonly databaseUrl: string
  readonly companies?: readonly CompanySpec[]
}

export async function openDeployment({
  databaseUrl,
  companies = [],
}: DeploymentOptions): Promise<Deployment> {
  const clock = systemClock()
  let aheadMs = 0
  const workplace = await createWorkplace(PARTS)
  const sandbox = await startSandbox({
    port: 0,
    directory: null,
    now: () => clock.now().getTime() + aheadMs,
    seed: 11,
    companies: [...companies],
    ...CLIENT,
    activityIntervalMs: null,
  })
  // Time is real here: what would be refused there is refused here.
  sandbox.faults.add({ kind: 'enforceLimits' })
  const replicas: Replica[] = []
  const knex = openKnex(databaseUrl, { poolMax: 4 })
  const database = createDatabase(knex, clock)
  const rows: Deployment['rows'] = (sql, bindings) => rowsOf(knex, sql, bindings)
  const deployment: Deployment = {
    databaseUrl,
    sandbox,
    migrate: () => runProgram(['src/migrate.ts'], { DATABASE_URL: databaseUrl }),
    moveIntuitsClock: ({ hours }) => (aheadMs += hours * 3_600_000),
    registerCompanies: () => register(database, sandbox),
    async launch(env = {}) {
      const port = await findFreePort()
      const settings = { ...settingsOf(databaseUrl, sandbox), PORT: String(port), ...env }
      const replica = replicaOf(launchService(workplace, settings), port)
      replicas.push(replica)
      return replica
    },
    async start(env) {
      const replica = await deployment.launch(env)
      await replica.untilSaid('"message":"started"')
      return replica
    },
    rows,
    async untilRow<Row>(sql: string, bindings?: Bindings) {
      for (;;) {
        const [row] = await rows<Row>(sql, bindings)
        if (row !== undefined) return row
        await wait(POLL_MS)
      }
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.end('SIGKILL')))
      await knex.destroy()
      await sandbox.stop()
      await workplace.remove()
    },
  }
  return deployment
}

/** A company of a few records. */
export function smallCompany(number: number, records = 20): CompanySpec {
  return {
    realmId: String(4_620_816_300_000_001_000n + BigInt(number)),
    name: `Client ${number}`,
    records,
    homeCurrency: 'USD',
    multiCurrency: false,
    country: 'USA',
    lively: true,
  }
}

function settingsOf(databaseUrl: string, sandbox: Sandbox): Record<string, string> {
  return {
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    ADMIN_TOKEN,
    TOKEN_ENCRYPTION_KEYS: `first:${ENCRYPTION_KEY.toString('base64')}`,
    QBO_ENVIRONMENT: 'sandbox',
    QBO_CLIENT_ID: CLIENT.clientId,
    QBO_CLIENT_SECRET: CLIENT.clientSecret,
    QBO_API_BASE_URL: sandbox.apiBaseUrl,
    QBO_OAUTH_TOKEN_URL: sandbox.tokenUrl,
    QBO_OAUTH_REVOKE_URL: sandbox.revokeUrl,
  }
}

async function register(database: Database, sandbox: Sandbox): Promise<void> {
  await seedCompanies({ database, cipher: deployedCipher(), environment: 'sandbox' }, sandbox.companies())
}

/** What the processes encrypt tokens with. */
export function deployedCipher(): TokenCipher {
  return createTokenCipher([{ id: 'first', key: ENCRYPTION_KEY }])
}

function replicaOf(service: ServiceProcess, port: number): Replica {
  const url = `http://127.0.0.1:${port}`
  const request: Replica['request'] = async (method, path, { body, token = ADMIN_TOKEN } = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, text: await answer.text() }
  }
  return {
    ...service,
    url,
    request,
    async untilAnswer(path, isWanted) {
      for (;;) {
        // Before it listens nobody answers.
        const answer = await request('GET', path).catch(() => null)
        if (answer !== null && isWanted(answer)) return answer
        await wait(POLL_MS)
      }
    },
    async end(signal) {
      service.process.kill(signal)
      return service.ended
    },
  }
}
