import { readFile } from 'node:fs/promises'
import { rowsOf } from '../src/db/database.ts'
import type { BenchContext } from './bench.ts'
import type { BenchDatabase } from './bench-postgres.ts'
import { startChild } from './child.ts'
import type { ServiceUsage } from './service.ts'
import { SIMULATOR_CLIENT, type SimulatorReady } from './simulator-spec.ts'

export const ADMIN_TOKEN = 'bench-admin-token'
export const ENCRYPTION_KEY = Buffer.alloc(32, 5)
const SHORTER_PAUSE_MS = 50

export interface Service {
  readonly url: string
  usage(): Promise<ServiceUsage>
  /** Connections to its database that it holds now. */
  connections(): Promise<number>
  stop(): Promise<void>
}

export interface ServiceOptions {
  readonly database: BenchDatabase
  readonly simulator: Pick<SimulatorReady, 'apiBaseUrl' | 'tokenUrl' | 'revokeUrl'>
  readonly roles: string
  /** The name of its CPU profile, where profiles are taken. */
  readonly name: string
  /** More of what Node is given before the program. */
  readonly nodeArgs?: readonly string[]
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** The real service in a process of its own, as it runs in production. */
export async function startService(
  { profileDirectory }: BenchContext,
  { database, simulator, roles, name, nodeArgs = [], env }: ServiceOptions,
): Promise<Service> {
  const profile =
    profileDirectory === null
      ? []
      : ['--cpu-prof', `--cpu-prof-name=${name}.cpuprofile`, `--cpu-prof-dir=${profileDirectory}`]
  const { child, ready } = await startChild<ServiceUsage>('service.ts', {
    nodeArgs: [...(await startArguments()), ...nodeArgs, ...profile],
    env: {
      NODE_ENV: 'production',
      PORT: '0',
      DATABASE_URL: database.url,
      ROLES: roles,
      ADMIN_TOKEN,
      TOKEN_ENCRYPTION_KEYS: `bench:${ENCRYPTION_KEY.toString('base64')}`,
      QBO_ENVIRONMENT: 'sandbox',
      QBO_CLIENT_ID: SIMULATOR_CLIENT.clientId,
      QBO_CLIENT_SECRET: SIMULATOR_CLIENT.clientSecret,
      QBO_API_BASE_URL: simulator.apiBaseUrl,
      QBO_OAUTH_TOKEN_URL: simulator.tokenUrl,
      QBO_OAUTH_REVOKE_URL: simulator.revokeUrl,
      ...env,
    },
  })
  return {
    url: `http://127.0.0.1:${ready.port}`,
    usage: () => child.ask<ServiceUsage>({}),
    async connections() {
      const [row] = await rowsOf<{ connections: number }>(
        database.knex,
        `SELECT count(*) AS connections
           FROM pg_stat_activity
          WHERE datname = current_database() AND application_name LIKE 'ledger-mirror%'`,
      )
      return row?.connections ?? NaN
    },
    stop: () => child.stop(),
  }
}

/** What `npm start` gives Node before the program. */
async function startArguments(): Promise<string[]> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  const { scripts } = JSON.parse(text) as { scripts: { start: string } }
  const words = scripts.start.split(' ')
  return words.slice(words.indexOf('node') + 1, -1)
}

/** Asks the service for a sync of every company, or of the one in `path`. */
export async function requestSyncs(service: Service, path = ''): Promise<void> {
  const answer = await fetch(`${service.url}/admin/sync${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  if (answer.status !== 202) throw new Error(`the service answered ${answer.status}: ${await answer.text()}`)
}

/**
 * Waits until no company has an open request and no job is left, looking now and then: a request that comes between
 * the end of a run and that of its job waits for the next tick.
 *
 * @returns the most connections seen.
 */
export async function untilServed(database: BenchDatabase, service: Service): Promise<number> {
  let most = 0
  for (;;) {
    const [row] = await rowsOf<{ open: number }>(
      database.knex,
      `SELECT (SELECT count(*) FROM companies WHERE requested_seq > served_seq)
            + (SELECT count(*) FROM pgboss.job WHERE name = 'sync-company' AND state < 'completed') AS open`,
    )
    most = Math.max(most, await service.connections())
    if (row?.open === 0) return most
    await new Promise((resolve) => setTimeout(resolve, SHORTER_PAUSE_MS))
  }
}
