import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createLog } from '../../src/log.ts'
import type { QuickBooksCall } from '../../src/domain/quickbooks-call.ts'
import { abandonLapsedRuns } from '../../src/sync/abandon-runs.ts'
import { recordCalls } from '../../src/sync/record-calls.ts'
import type { FaultSpec } from '../../src/sandbox/sandbox.ts'
import {
  company,
  OTHER_REALM,
  REALM,
  startMirror,
  type MirrorSettings,
  type TestMirror,
} from '../setup/mirror.ts'
import { expectSound, lastRun } from './invariants.ts'

interface Tally {
  readonly operation: string
  readonly status: string
  readonly calls: number
  readonly metered: number
}

/** Our words for what the simulator calls by its paths. */
const OPERATION: Readonly<Record<string, string>> = {
  count: 'query',
  read_by_id: 'query',
  company_info: 'companyinfo',
  refresh: 'token',
}

// What fails here on purpose would be an error in the log.
const nowhere = createLog({ level: 'none', format: 'pretty', secrets: () => [] })

describe('the calls that were made', () => {
  let mirror: TestMirror
  let onPage: ((page: number) => void | Promise<void>) | null = null

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('are counted as the simulator counts them, by company, kind and status', async () => {
    await start()
    await mirror.sync()
    await mirror.sync(OTHER_REALM)
    mirror.sandbox.books(REALM).vanish('Bill', mirror.sandbox.books(REALM).records('Bill')[0]!.Id)
    mirror.clock.move({ days: 1 })
    await mirror.sync(REALM, { mode: 'full' })
    await mirror.sync()
    await expectCounted()
  })

  test.each([
    ['Pacific/Kiritimati', '2026-11-30T23:30:00Z', '2026-11-30'],
    ['Pacific/Pago_Pago', '2026-12-01T00:30:00Z', '2026-12-01'],
  ])('belong to the UTC day, also where a session shows times of %s', async (timeZone, now, day) => {
    await start()
    const call: QuickBooksCall = {
      operation: 'query',
      status: '200',
      metered: true,
      intuitTid: null,
      durationMs: 1,
    }
    await mirror.database.knex.transaction(async (trx) => {
      await trx.raw(`SET LOCAL TimeZone = '${timeZone}'`)
      await recordCalls({ trx, now: new Date(now) }, REALM, [call])
      const { rows } = await trx.raw<{ rows: unknown[] }>(`SELECT day::text AS day FROM quickbooks_calls`)
      expect(rows).toEqual([{ day }])
      await trx.rollback()
    })
  })

  test.each<FaultSpec['kind']>([
    'unavailable503Html',
    'throttled429',
    'expired3200',
    'fault200',
    'html200',
    'emptyBody200',
    'truncatedJson',
    'connectionReset',
    'hang',
    'tokenServer503',
    'tokenLostResponse',
  ])('are counted although %s ended the run', async (kind) => {
    await start({ callTimeoutMs: 1_500 })
    mirror.sandbox.faults.add({ kind, times: kind === 'expired3200' ? 2 : 1 })
    expect(await mirror.sync()).toMatchObject({ kind: 'failed' })
    await expectCounted()
    mirror.clock.move({ hours: 2 })
    await mirror.sync()
    await expectCounted()
  })

  test('are metered although an answer broke off: Intuit has counted it', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'connectionResetMidBody', operation: 'companyinfo', times: 1 })
    expect(await mirror.sync()).toMatchObject({ kind: 'failed' })
    expect(await recorded(REALM)).toMatchObject([
      { operation: 'companyinfo', status: 'none', calls: 1, metered: 1 },
      { operation: 'token' },
    ])
    expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
  })

  test('are counted once although a page was written in halves', async () => {
    await start()
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
    const books = mirror.sandbox.books(REALM)
    for (const note of ['good', 'torn\u0000', 'good', 'good', 'torn\u0000']) {
      books.put('Bill', { ...books.createBill({ vendorId: '1', amount: '2.00' }), PrivateNote: note })
    }
    expect(await mirror.sync()).toMatchObject({ status: 'partial' })
    await expectCounted()
  })

  test('are counted although a page could not be written while the next one was under way', async () => {
    await start({ log: nowhere }, 7_400)
    onPage = async (page) => {
      if (page !== 4) return
      // The next page is still under way when this one is refused.
      mirror.sandbox.faults.add({ kind: 'slow', entity: 'Bill', delayMs: 700, times: 1 })
      await mirror.rows(`ALTER TABLE bills ADD CONSTRAINT no_more CHECK (false) NOT VALID`)
    }
    expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'internal' } })
    await expectCounted()
    await mirror.rows('ALTER TABLE bills DROP CONSTRAINT no_more')
  })

  test('are counted of a run that was stopped', async () => {
    await start()
    const stop = new AbortController()
    mirror.sandbox.faults.add({ kind: 'hang', operation: 'preferences' })
    await mirror.ask()
    const run = mirror.run(REALM, stop.signal)
    while (!mirror.sandbox.calls.list().some(({ operation }) => operation === 'preferences')) await nextTurn()
    stop.abort()
    expect(await run).toMatchObject({ kind: 'abandoned' })
    expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
    await expectCounted()
    expect(await lastRun(mirror)).toMatchObject({ requests: 3, metered_calls: 1 })
  })

  test('are counted of a run that lost its lease', async () => {
    await start()
    onPage = async (page) => {
      if (page !== 3) return
      await mirror.rows(`UPDATE sync_runs SET heartbeat_at = heartbeat_at - interval '1 hour'`)
      await mirror.database.transaction((tx) => abandonLapsedRuns(tx))
    }
    expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'lease_lost' } })
    await expectCounted()
  })

  test('stand in the run that made them', async () => {
    await start()
    await mirror.sync()
    const made = mirror.sandbox.calls.list()
    expect(await lastRun(mirror)).toMatchObject({
      requests: made.length,
      metered_calls: made.filter(({ metered }) => metered).length,
    })
  })

  async function start(settings: MirrorSettings = {}, records = 60): Promise<void> {
    let pages = 0
    onPage = null
    mirror = await startMirror({
      companies: [company({ records }), company({ realmId: OTHER_REALM, name: 'Other' })],
      wrapReader: (reader) => ({
        ...reader,
        async listPage(...asked) {
          pages += 1
          const page = await reader.listPage(...asked)
          await onPage?.(pages)
          return page
        },
      }),
      ...settings,
    })
  }

  async function expectCounted(): Promise<void> {
    for (const realmId of [REALM, OTHER_REALM]) {
      expect(await recorded(realmId)).toEqual(simulated((call) => call.realmId === realmId))
      const metered = mirror.sandbox.calls.meteredCount(realmId)
      expect(await total('ledger_quickbooks_metered_calls_total', `labels->>'realm_id' = '${realmId}'`)).toBe(
        metered,
      )
    }
    expect(await total('metered_calls_of_month', 'true')).toBe(mirror.sandbox.calls.meteredCount())
    expect(await total('ledger_quickbooks_requests_total', 'true')).toBe(mirror.sandbox.calls.list().length)
  }

  async function recorded(realmId: string): Promise<Tally[]> {
    const rows = await mirror.rows<Tally>(
      `SELECT operation, status, sum(calls)::int AS calls, sum(metered_calls)::int AS metered
         FROM quickbooks_calls
        WHERE realm_id = :realmId
        GROUP BY operation, status`,
      { realmId },
    )
    return summed(
      rows.map((row) => ({
        ...row,
        operation: OPERATION[row.operation] ?? row.operation,
        status: /^\d+$/.test(row.status) ? row.status : 'none',
      })),
    )
  }

  function simulated(isMeant: (call: { realmId: string | null }) => boolean): Tally[] {
    const calls = mirror.sandbox.calls.list().filter(isMeant)
    return summed(
      calls.map(({ operation, status, metered }) => ({
        operation,
        status: status === null ? 'none' : String(status),
        calls: 1,
        metered: metered ? 1 : 0,
      })),
    )
  }

  function summed(tallies: readonly Tally[]): Tally[] {
    const sums = new Map<string, Tally>()
    for (const tally of tallies) {
      const key = `${tally.operation} ${tally.status}`
      const { calls = 0, metered = 0 } = sums.get(key) ?? {}
      sums.set(key, { ...tally, calls: calls + tally.calls, metered: metered + tally.metered })
    }
    return [...sums.keys()].toSorted().map((key) => sums.get(key)!)
  }

  async function total(metric: string, condition: string): Promise<number> {
    const [row] = await mirror.rows<{ total: number }>(
      `SELECT coalesce(sum(total), 0) AS total FROM metric_totals_now() WHERE metric = '${metric}' AND ${condition}`,
    )
    return row!.total
  }
})
