import { afterEach, describe, expect, test } from '@jest/globals'
import { disconnectCompany, pauseCompany, resumeCompany } from '../../src/connections/change-status.ts'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import { performSync } from '../../src/jobs/perform-sync.ts'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import { recordCalls } from '../../src/sync/record-calls.ts'
import { runCompany } from '../../src/sync/run-company.ts'
import { INTERVAL_SECONDS, REALM, company, startMirror, type TestMirror } from '../setup/mirror.ts'
import { keptLog } from '../setup/kept-log.ts'
import { companyRow, expectSound, lastRun } from './invariants.ts'
import { BY_TEST } from '../setup/doer.ts'

let mirror: TestMirror
/** Done once, when a call has failed and before the run hears of it. */
let meanwhile: (() => Promise<unknown>) | null = null

afterEach(async () => {
  await expectSound(mirror)
  await mirror.close()
})

/** A synced company whose refreshes and readings can be held between Intuit's answer and the run. */
async function start(): Promise<void> {
  const held = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    try {
      return await call()
    } catch (error) {
      const now = meanwhile
      meanwhile = null
      await now?.()
      throw error
    }
  }
  meanwhile = null
  mirror = await startMirror({
    companies: [company({ records: 0 })],
    log: keptLog().log,
    wrapRefresh: held,
    wrapReader: (reader) => ({ ...reader, changes: (...asked) => held(() => reader.changes(...asked)) }),
  })
  await mirror.sync()
  mirror.clock.move({ hours: 2 })
}

/** Other tokens, by somebody who has a connection of their own to everything. */
const put = () => mirror.newTokens(REALM)

describe('new tokens that come while a run fails with the old ones', () => {
  test('win over a refresh that Intuit refused', async () => {
    await start()
    // The answer is held inside the lock of the connection, for which the PUT then waits.
    mirror.sandbox.faults.add({ kind: 'invalidGrant', times: 1 })
    let putting: Promise<unknown> = Promise.resolve()
    meanwhile = async () => {
      putting = put()
      await somebodyWaits()
    }
    expect(await mirror.sync()).toMatchObject({
      kind: 'failed',
      error: { code: 'needs_reauth' },
      fate: { kind: 'again' },
    })
    await putting
    await expectUnharmed()
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  test.each<[FaultKind, string]>([
    ['auth120', 'needs_reauth'],
    ['auth100', 'needs_reauth'],
    ['company6190', 'company_unavailable'],
  ])('win over an answer of %s', async (kind, code) => {
    await start()
    mirror.sandbox.faults.add({ kind, times: 1, operation: 'cdc' })
    meanwhile = put
    expect(await mirror.sync()).toMatchObject({
      kind: 'failed',
      error: { code },
      fate: { kind: 'again' },
    })
    await expectUnharmed()
    expect(await lastRun(mirror)).toMatchObject({ status: 'failed', error_code: code })
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  test('win over stored ones that no key opens', async () => {
    await start()
    await mirror.rows(
      `UPDATE connections SET access_token_ciphertext = NULL, refresh_token_ciphertext = 'v1:gone:a:b:c'`,
    )
    meanwhile = put
    expect(await mirror.sync()).toMatchObject({
      error: { code: 'token_unreadable' },
      fate: { kind: 'again' },
    })
    await expectUnharmed()
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  test('of a renewal by another process win as well', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'auth120', times: 1, operation: 'cdc' })
    const other = mirror.startProcess({})
    meanwhile = async () => {
      mirror.clock.move({ hours: 2 })
      await other.accessToken(REALM)
    }
    expect(await mirror.sync()).toMatchObject({ fate: { kind: 'again' } })
    await expectUnharmed()
    other.close()
  })

  test('are tried by the same job', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'invalidGrant', times: 1 })
    let putting: Promise<unknown> = Promise.resolve()
    meanwhile = async () => {
      putting = put()
      await somebodyWaits()
    }
    await mirror.ask()
    await performSync(
      {
        database: mirror.database,
        intervalSeconds: INTERVAL_SECONDS,
        log: mirror.options.log,
        run: async (realmId, signal) => {
          const outcome = await runCompany(mirror.options, realmId, signal)
          await putting
          return outcome
        },
      },
      { realmId: REALM, last: false, stop: new AbortController().signal },
    )
    expect(await mirror.rows('SELECT status FROM sync_runs ORDER BY id')).toEqual([
      { status: 'succeeded' },
      { status: 'failed' },
      { status: 'succeeded' },
    ])
  })

  test('leave a wait alone that QuickBooks asked for', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'throttled429', times: 1, operation: 'cdc' })
    meanwhile = put
    expect(await mirror.sync()).toMatchObject({ fate: { kind: 'later' } })
    expect(await companyRow(mirror)).toMatchObject({ status: 'active', not_before_code: 'throttled' })
  })

  test('do not make the run wait that QuickBooks did not answer', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'unavailable503Html', times: 1, operation: 'cdc' })
    meanwhile = put
    expect(await mirror.sync()).toMatchObject({ fate: { kind: 'later' } })
    expect(await companyRow(mirror)).toMatchObject({ status: 'active', not_before: null })
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  async function expectUnharmed(): Promise<void> {
    expect(await companyRow(mirror)).toMatchObject({
      status: 'active',
      status_code: null,
      failures_in_a_row: 0,
      failing_code: null,
      failing_since: null,
      not_before: null,
    })
  }
})

test('tokens that the run renewed itself are its own: refused, they are blamed', async () => {
  await start()
  mirror.sandbox.faults.add({ kind: 'auth120', operation: 'cdc' })
  expect(await mirror.sync()).toMatchObject({ fate: { kind: 'reauth' } })
  expect(await companyRow(mirror)).toMatchObject({ status: 'needs_reauth', failures_in_a_row: 1 })
})

describe('what a person does while a run fails', () => {
  test('by resuming: the company is tried once more before it is blamed', async () => {
    await start()
    const fault = mirror.sandbox.faults.add({ kind: 'auth120', operation: 'cdc' })
    meanwhile = () => resumeCompany(mirror.database, async () => undefined, REALM, BY_TEST)
    expect(await mirror.sync()).toMatchObject({ fate: { kind: 'again' } })
    expect(await companyRow(mirror)).toMatchObject({ status: 'active', failures_in_a_row: 0 })
    expect(await mirror.run()).toMatchObject({ fate: { kind: 'reauth' } })
    expect(await companyRow(mirror)).toMatchObject({ status: 'needs_reauth' })
    mirror.sandbox.faults.remove(fault)
  })

  test('by pausing: it stays paused, and nothing is held against it', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'auth120', times: 1, operation: 'cdc' })
    meanwhile = () => pauseCompany(mirror.database, REALM, BY_TEST)
    await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({
      status: 'paused',
      status_code: null,
      failing_code: null,
    })
    await resumeCompany(mirror.database, async () => undefined, REALM, BY_TEST)
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  test('by disconnecting: it stays disconnected, and nothing is held against it', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'auth120', times: 1, operation: 'cdc' })
    const cipher = createTokenCipher([{ id: 'test', key: Buffer.alloc(32, 7) }])
    const revokeToken = () => Promise.resolve()
    meanwhile = () =>
      disconnectCompany(
        { database: mirror.database, cipher, recordCalls, revokeToken, log: mirror.options.log },
        REALM,
        BY_TEST,
      )
    await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({
      status: 'disconnected',
      status_code: null,
      failing_code: null,
    })
  })
})

/** Until a statement waits for a row that somebody holds. */
async function somebodyWaits(): Promise<void> {
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  while ((await mirror.rows(waiting)).length === 0) continue
}
