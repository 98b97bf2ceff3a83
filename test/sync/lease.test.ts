import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { abandonLapsedRuns } from '../../src/sync/abandon-runs.ts'
import { fenced } from '../../src/sync/fenced.ts'
import { beat } from '../../src/sync/keep-lease.ts'
import type { Run } from '../../src/sync/run.ts'
import { company, OTHER_REALM, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { companyRow, expectAtRest, expectSound, lastRun, rowOf, watermarks } from './invariants.ts'

/** Stands in the way of the next change data capture until it is let go. */
interface Gate {
  readonly reached: Promise<void>
  open(): void
}

describe('the lease of a company', () => {
  let mirror: TestMirror
  let books: Books
  let gates: { reach: () => void; opened: Promise<void> }[] = []

  beforeEach(async () => {
    gates = []
    mirror = await startMirror({
      companies: [company(), company({ realmId: OTHER_REALM, name: 'Other' })],
      wrapReader: (reader) => ({
        ...reader,
        async changes(...asked) {
          const answer = await reader.changes(...asked)
          const gate = gates.shift()
          gate?.reach()
          await gate?.opened
          return answer
        },
      }),
    })
    books = mirror.sandbox.books(REALM)
    await mirror.sync()
    mirror.clock.move({ minutes: 15 })
  })

  afterEach(async () => {
    await expectSound(mirror)
    await mirror.close()
  })

  test('is held by one run at a time', async () => {
    const gate = closeGate()
    await mirror.ask()
    const first = mirror.run()
    await gate.reached
    expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'held' })
    gate.open()
    expect(await first).toMatchObject({ kind: 'finished' })
  })

  test('is taken by one of many that want it at the same moment', async () => {
    await mirror.ask()
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => mirror.run()))
    expect(outcomes.filter(({ kind }) => kind === 'finished')).toHaveLength(1)
    expect(await mirror.rows(`SELECT id FROM sync_runs WHERE realm_id = '${REALM}'`)).toHaveLength(2)
  })

  test('keeps no other company from running', async () => {
    const gate = closeGate()
    await mirror.ask()
    const first = mirror.run()
    await gate.reached
    expect(await mirror.sync(OTHER_REALM)).toMatchObject({ kind: 'finished' })
    gate.open()
    await first
  })

  describe('that lapsed', () => {
    test('goes to whoever opens the company next, who serves the recovery too', async () => {
      const { old, gate } = await lapsedRun()
      const { Id } = books.createBill({ vendorId: '1', amount: '4.00' })
      expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: false })
      expect(await lastRun(mirror)).toMatchObject({ trigger: 'recovery' })
      expect(await rowOf(mirror, 'bills', Id)).toBeDefined()
      gate.open()
      expect(await old).toMatchObject({
        kind: 'failed',
        error: { code: 'lease_lost' },
        fate: { kind: 'gone' },
      })
      mirror.clock.move({ minutes: 15 })
      await expectAtRest(mirror)
    })

    test('is closed as abandoned, once, and its company is asked for again', async () => {
      const { old, gate } = await lapsedRun()
      const { requested_seq: before } = await companyRow(mirror)
      const abandon = () => mirror.database.transaction((tx) => abandonLapsedRuns(tx))
      expect(await abandon()).toEqual([REALM])
      expect(await abandon()).toEqual([])
      expect(await companyRow(mirror)).toMatchObject({ requested_seq: Number(before) + 1 })
      expect(await lastRun(mirror)).toMatchObject({ status: 'abandoned', error_code: 'lease_lost' })
      expect(
        await mirror.rows(
          `SELECT total FROM metric_totals_now() WHERE metric = 'ledger_sync_runs_total' AND labels->>'status' = 'abandoned'`,
        ),
      ).toEqual([{ total: 1 }])
      gate.open()
      await old
    })

    test('lets the run that lost it write nothing', async () => {
      const { Id } = books.createBill({ vendorId: '1', amount: '4.00' })
      const { old, gate } = await lapsedRun()
      await mirror.database.transaction((tx) => abandonLapsedRuns(tx))
      const before = await watermarks(mirror)
      const company = await companyRow(mirror)
      gate.open()
      expect(await old).toMatchObject({ kind: 'failed', error: { code: 'lease_lost' } })
      expect(await rowOf(mirror, 'bills', Id)).toBeUndefined()
      expect(await watermarks(mirror)).toEqual(before)
      expect(await companyRow(mirror)).toEqual(company)
      expect(await lastRun(mirror)).toMatchObject({ status: 'abandoned' })
    })

    test('is left to whoever is just opening the company, and nobody waits for the other', async () => {
      const { old, gate } = await lapsedRun()
      await mirror.database.transaction(async (opening) => {
        await opening.trx.raw(`SELECT FROM companies WHERE realm_id = '${REALM}' FOR UPDATE`)
        expect(await mirror.database.transaction((tx) => abandonLapsedRuns(tx))).toEqual([])
        expect(await abandonLapsedRuns(opening, REALM)).toEqual([REALM])
      })
      gate.open()
      await old
    })

    test('is left to a run whose transaction is under way: it is alive', async () => {
      const { old, gate } = await lapsedRun()
      const { id } = await lastRun(mirror)
      await mirror.database.transaction(async (page) => {
        await page.trx.raw(`SELECT FROM sync_runs WHERE id = ${String(id)} FOR SHARE`)
        expect(await mirror.database.transaction((tx) => abandonLapsedRuns(tx))).toEqual([])
      })
      gate.open()
      expect(await old).toMatchObject({ kind: 'finished' })
    })

    test('is not waited for by a heartbeat while a page of the run is written', async () => {
      const { old, gate } = await lapsedRun()
      const { id } = await lastRun(mirror)
      await mirror.database.transaction(async (page) => {
        await page.trx.raw(`SELECT FROM sync_runs WHERE id = ${String(id)} FOR SHARE`)
        // Would wait for the end of the page, and with it this test for good.
        expect(await beat(mirror.database.knex, Number(id))).toBe(true)
        expect(await isLapsed()).toBe(true)
      })
      expect(await beat(mirror.database.knex, Number(id))).toBe(true)
      expect(await isLapsed()).toBe(false)
      gate.open()
      await old
      expect(await beat(mirror.database.knex, Number(id))).toBe(false)
    })

    test('is kept by a page that takes longer than it, on the one connection that the page has', async () => {
      const { old, gate } = await lapsedRun()
      const { id, realm_id: realmId } = await lastRun(mirror)
      const run = { id, realmId, database: mirror.database, unrecordedCalls: [] } as unknown as Run
      const abandon = () => mirror.database.transaction((tx) => abandonLapsedRuns(tx))
      await fenced(run, async () => {
        mirror.clock.move({ seconds: 31 })
        for (const _ of [1, 2, 3]) expect(await beat(mirror.database.knex, run.id)).toBe(true)
        expect(
          await mirror.rows(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          ),
        ).toEqual([])
        expect(await abandon()).toEqual([])
      })
      expect(await abandon()).toEqual([])
      gate.open()
      expect(await old).toMatchObject({ kind: 'finished' })
    })

    test('is no concern of a run with a heartbeat', async () => {
      const gate = closeGate()
      await mirror.ask()
      const run = mirror.run()
      await gate.reached
      mirror.clock.move({ hours: 5 })
      expect(await mirror.database.transaction((tx) => abandonLapsedRuns(tx))).toEqual([])
      gate.open()
      expect(await run).toMatchObject({ kind: 'finished' })
    })
  })

  test('is given up when the process is stopped, and the company is asked for again', async () => {
    const stop = new AbortController()
    const fault = mirror.sandbox.faults.add({ kind: 'hang', operation: 'cdc' })
    const request = await mirror.ask()
    mirror.sandbox.calls.clear()
    const run = mirror.run(REALM, stop.signal)
    while (mirror.sandbox.calls.list().length === 0) await nextTurn()
    stop.abort()
    expect(await run).toMatchObject({ kind: 'abandoned' })
    expect(await lastRun(mirror)).toMatchObject({ status: 'abandoned', requests: 1, metered_calls: 0 })
    expect(await companyRow(mirror)).toMatchObject({ requested_seq: request + 1, failures_in_a_row: 0 })
    mirror.sandbox.faults.remove(fault)
    expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: false })
  })

  test('is not taken for nothing', async () => {
    expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'not_asked' })
    expect(await mirror.run('999')).toEqual({ kind: 'skipped', reason: 'inactive' })
    await mirror.ask()
    for (const status of ['paused', 'needs_reauth', 'disconnected']) {
      await mirror.rows(`UPDATE companies SET status = '${status}' WHERE realm_id = '${REALM}'`)
      expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'inactive' })
    }
    await mirror.rows(`UPDATE companies SET status = 'active' WHERE realm_id = '${REALM}'`)
    await mirror.rows(`UPDATE companies SET not_before = '2026-11-02T23:00:00Z' WHERE realm_id = '${REALM}'`)
    expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'waiting' })
    mirror.clock.move({ days: 1 })
    await mirror.rows(`UPDATE service_state SET calls_paused_until = '2026-11-04T00:00:00Z'`)
    expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'waiting' })
    mirror.clock.move({ days: 1 })
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  describe('and requests', () => {
    test('that come during a run are served by the next one', async () => {
      const gate = closeGate()
      await mirror.ask()
      const first = mirror.run()
      await gate.reached
      const { Id } = books.createBill({ vendorId: '1', amount: '4.00' })
      await mirror.ask()
      gate.open()
      expect(await first).toMatchObject({ kind: 'finished', askedAgain: true })
      expect(await rowOf(mirror, 'bills', Id)).toBeUndefined()
      expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: false })
      expect(await rowOf(mirror, 'bills', Id)).toBeDefined()
      expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'not_asked' })
    })

    test('cost one run however many they are', async () => {
      for (let request = 0; request < 100; request += 1) await mirror.ask(REALM, { trigger: 'webhook' })
      mirror.sandbox.calls.clear()
      expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: false })
      expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'not_asked' })
      expect(mirror.sandbox.calls.meteredCount(REALM)).toBe(1)
    })

    test('for a full run stay full when they come during an incremental one', async () => {
      const gate = closeGate()
      await mirror.ask()
      const first = mirror.run()
      await gate.reached
      await mirror.ask(REALM, { mode: 'full' })
      await mirror.ask(REALM, { mode: 'incremental' })
      gate.open()
      expect(await first).toMatchObject({ kind: 'finished', askedAgain: true })
      expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental' })
      await mirror.run()
      expect(await lastRun(mirror)).toMatchObject({ mode: 'full', status: 'succeeded' })
      await expectAtRest(mirror)
      expect(await lastRun(mirror)).toMatchObject({ mode: 'incremental' })
    })

    test('stand when the run that was to serve them fails', async () => {
      mirror.sandbox.faults.add({ kind: 'unavailable503Html', times: 1 })
      const request = await mirror.ask()
      expect(await mirror.run()).toMatchObject({ kind: 'failed' })
      expect(await companyRow(mirror)).toMatchObject({ requested_seq: request, served_seq: request - 1 })
    })
  })

  /** A run that waits for its answer, and whose heartbeat stopped a minute ago. */
  async function lapsedRun(): Promise<{ old: ReturnType<TestMirror['run']>; gate: Gate }> {
    const gate = closeGate()
    await mirror.ask()
    const old = mirror.run()
    await gate.reached
    await mirror.rows(
      `UPDATE sync_runs SET heartbeat_at = clock_timestamp() - interval '1 minute' WHERE status = 'running'`,
    )
    return { old, gate }
  }

  async function isLapsed(): Promise<boolean> {
    const lapsed = await mirror.rows(
      `SELECT FROM sync_runs WHERE status = 'running' AND heartbeat_at < clock_timestamp() - interval '30 seconds'`,
    )
    return lapsed.length > 0
  }

  function closeGate(): Gate {
    const reached = Promise.withResolvers<void>()
    const opened = Promise.withResolvers<void>()
    gates.push({ reach: reached.resolve, opened: opened.promise })
    return { reached: reached.promise, open: opened.resolve }
  }
})
