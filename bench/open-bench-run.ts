import { requestSync } from '../src/connections/request-sync.ts'
import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import type { Database } from '../src/db/database.ts'
import { createQuickBooks } from '../src/quickbooks/quickbooks.ts'
import { openRun } from '../src/sync/open-run.ts'
import type { Run } from '../src/sync/run.ts'
import { noProgress } from '../src/sync/run-progress.ts'

export const BENCH_REALM = '4620816300000000901'

// No call is ever made: pages are handed to the run.
const NOWHERE = 'http://127.0.0.1:9'

/** An open run of a company of its own, for benches that hand it pages. */
export async function openBenchRun(database: Database): Promise<Run> {
  const cipher = createTokenCipher([{ id: 'bench', key: Buffer.alloc(32, 1) }])
  await seedCompanies({ database, cipher, environment: 'simulator' }, [
    { realmId: BENCH_REALM, name: 'Bench', refreshToken: 'none' },
  ])
  await database.transaction((tx) => requestSync(tx, [BENCH_REALM], { mode: 'full', trigger: 'backfill' }))
  const opened = await openRun(database, BENCH_REALM)
  if (typeof opened === 'string') throw new Error(`no run opens: ${opened}`)
  return {
    ...opened,
    ...noProgress(),
    signal: new AbortController().signal,
    database,
    reader: idleReader(database),
    pace: { inTurn: (call) => call(), agesMs: () => [] },
    mustGiveWay: () => Promise.resolve(false),
  }
}

/** A reader that is never asked. */
export function idleReader({ clock }: Database) {
  const quickbooks = createQuickBooks({
    apiBaseUrl: NOWHERE,
    tokenUrl: NOWHERE,
    revokeUrl: NOWHERE,
    clientId: 'bench',
    clientSecret: 'bench-secret',
    callTimeoutMs: 1000,
    tokenTimeoutMs: 1000,
    now: () => clock.now().getTime(),
  })
  return quickbooks.company({
    realmId: BENCH_REALM,
    homeCurrency: () => 'USD',
    accessToken: () => Promise.resolve('none'),
    renewAccessToken: () => Promise.resolve('none'),
    onCall: () => undefined,
    inTurn: (call) => call(),
    signal: new AbortController().signal,
  })
}
