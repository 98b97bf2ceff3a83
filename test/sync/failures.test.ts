import { afterEach, describe, expect, test } from '@jest/globals'
import type { ErrorCode } from '../../src/domain/ledger-error.ts'
import { FAULT_KINDS, type FaultKind, type FaultSpec } from '../../src/sandbox/faults.ts'
import {
  company,
  lastReport,
  OTHER_REALM,
  REALM,
  startMirror,
  type MirrorSettings,
  type TestMirror,
} from '../setup/mirror.ts'
import { companyRow, expectAtRest, expectSound, lastRun, rowOf, watermarks } from './invariants.ts'

type Follows = 'waits' | 'looks again' | 'needs_reauth' | 'lapses' | 'everything pauses'

// With the jitter in the middle.
const WAITS_SECONDS: Partial<Record<ErrorCode, number>> = { throttled: 75, unavailable: 22.5 }
const LAPSES_SECONDS = 855

const EXPECTED: Partial<Record<FaultKind, [ErrorCode, Follows]>> = {
  throttled429: ['throttled', 'waits'],
  throttled429Gateway: ['throttled', 'waits'],
  throttled429Xml: ['throttled', 'waits'],
  throttled403: ['throttled', 'waits'],
  quotaExhausted: ['throttled', 'waits'],
  fault200LowerCase: ['throttled', 'waits'],
  enforceLimits: ['throttled', 'waits'],
  company6190: ['company_unavailable', 'lapses'],
  company6190With200: ['company_unavailable', 'lapses'],
  noDestination7001: ['company_unavailable', 'lapses'],
  noDestination7001With400: ['company_unavailable', 'lapses'],
  auth100: ['needs_reauth', 'looks again'],
  forbidden3100: ['needs_reauth', 'looks again'],
  forbidden3100With500: ['needs_reauth', 'looks again'],
  auth120: ['needs_reauth', 'needs_reauth'],
  invalidGrant: ['needs_reauth', 'needs_reauth'],
  invalidClient: ['app_misconfigured', 'everything pauses'],
  expired3200: ['unavailable', 'waits'],
  wrongCluster130: ['unavailable', 'waits'],
  notFound404: ['unavailable', 'waits'],
  server500: ['unavailable', 'waits'],
  systemFault10000: ['unavailable', 'waits'],
  systemFault10000With400: ['unavailable', 'waits'],
  unavailable502Html: ['unavailable', 'waits'],
  unavailable503Html: ['unavailable', 'waits'],
  gatewayTimeout6002: ['unavailable', 'waits'],
  fault200: ['unavailable', 'waits'],
  html200: ['unavailable', 'waits'],
  emptyBody200: ['unavailable', 'waits'],
  connectionReset: ['unavailable', 'waits'],
  connectionResetMidBody: ['unavailable', 'waits'],
  truncatedJson: ['unavailable', 'waits'],
  hang: ['unavailable', 'waits'],
  tokenThrottled429: ['throttled', 'waits'],
  tokenServer503: ['unavailable', 'waits'],
  tokenHang: ['unavailable', 'waits'],
  tokenLostResponse: ['unavailable', 'waits'],
}

/** Answers that a run survives; what becomes of them is told with incremental runs, listings and single entities. */
const SURVIVED: FaultKind[] = [
  'groupFault',
  'slow',
  'limitPlusOne',
  'shortPage',
  'scrambleTies',
  'poisonedRecord',
  'staleRead',
]

let mirror: TestMirror

afterEach(async () => {
  await expectSound(mirror)
  await mirror.close()
})

test('every way in which QuickBooks can fail is told of', async () => {
  mirror = await startMirror({ companies: [] })
  expect([...Object.keys(EXPECTED), ...SURVIVED].toSorted()).toEqual(FAULT_KINDS.toSorted())
})

describe.each(['backfill', 'incremental'] as const)('in a run that is %s', (phase) => {
  test.each(Object.entries(EXPECTED) as [FaultKind, [ErrorCode, Follows]][])(
    '%s ends as %p, harms no other company, and is got over',
    async (kind, [code, follows]) => {
      await start(kind)
      if (phase === 'incremental') await settle()
      const before = await watermarks(mirror)
      mirror.sandbox.faults.add(faultOf(kind))
      expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code } })

      expect(await lastRun(mirror)).toMatchObject({ status: 'failed', error_code: code })
      expect(await watermarks(mirror)).toMatchObject(before)
      expect(await failures()).toEqual([
        { metric: 'ledger_company_sync_failures_total', labels: { realm_id: REALM, code }, total: 1 },
        { metric: 'ledger_sync_failures_total', labels: { code }, total: 1 },
      ])
      await expectFollowed(code, follows)

      mirror.sandbox.faults.clear()
      if (follows !== 'everything pauses') {
        expect(await mirror.sync(OTHER_REALM)).toMatchObject({ kind: 'finished' })
      }
      await recover()
    },
  )

  async function settle(): Promise<void> {
    await mirror.sync()
    mirror.clock.move({ days: 1 })
    mirror.sandbox.books(REALM).createBill({ vendorId: '1', amount: '8.00' })
  }
})

async function expectFollowed(code: ErrorCode, follows: Follows): Promise<void> {
  const row = await companyRow(mirror)
  expect(row).toMatchObject({ failures_in_a_row: 1, failing_code: code, failing_since: mirror.clock.now() })
  const [{ pausedUntil, pausedCode } = {}] = await pauses()
  expect({
    status: row['status'],
    waits: secondsUntil(row['not_before']),
    paused: secondsUntil(pausedUntil),
    pausedCode,
  }).toEqual({
    status: follows === 'needs_reauth' ? 'needs_reauth' : follows === 'lapses' ? 'unavailable' : 'active',
    waits: {
      waits: WAITS_SECONDS[code],
      'looks again': 60,
      lapses: LAPSES_SECONDS,
      needs_reauth: null,
      'everything pauses': null,
    }[follows],
    paused: follows === 'everything pauses' ? 300 : null,
    pausedCode: follows === 'everything pauses' ? 'app_misconfigured' : null,
  })
}

/** Whatever follows is over, and somebody connected the company again. */
async function recover(): Promise<void> {
  mirror.clock.move({ hours: 1 })
  await mirror.rows(`UPDATE companies SET status = 'active' WHERE status = 'needs_reauth'`)
  expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'succeeded' })
  expect(await companyRow(mirror)).toMatchObject({
    status: 'active',
    failures_in_a_row: 0,
    failing_since: null,
    failing_code: null,
    not_before: null,
    not_before_code: null,
  })
  await mirror.sync()
  mirror.clock.move({ minutes: 15 })
  await expectAtRest(mirror)
}

describe('a wait', () => {
  test('that QuickBooks asked for lasts as long as it said, and no person lifts it', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'throttled429', realmId: REALM, retryAfterSeconds: 600, times: 1 })
    await mirror.sync()
    expect(secondsUntil((await companyRow(mirror))['not_before'])).toBe(615)
    mirror.clock.move({ minutes: 9 })
    await mirror.ask(REALM, { trigger: 'manual' })
    expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'waiting' })
    mirror.clock.move({ minutes: 2 })
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  test('that we chose ourselves is lifted by a person, and by no schedule', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'unavailable503Html', realmId: REALM, times: 1 })
    await mirror.ask()
    await mirror.run()
    await mirror.ask(REALM, { trigger: 'webhook' })
    expect(await mirror.run()).toEqual({ kind: 'skipped', reason: 'waiting' })
    await mirror.ask(REALM, { trigger: 'manual' })
    expect(await mirror.run()).toMatchObject({ kind: 'finished' })
  })

  test.each([
    ['unavailable503Html', 'manual', false],
    ['unavailable503Html', 'webhook', true],
    ['throttled429', 'manual', true],
  ] as const)('after %s, asked by %s during the run: stands %s', async (kind, trigger, stands) => {
    const meanwhile: { ask: () => Promise<unknown> } = { ask: async () => undefined }
    mirror = await startMirror({
      wrapReader: (reader) => ({
        ...reader,
        changes: async (...asked) => {
          await meanwhile.ask()
          return reader.changes(...asked)
        },
      }),
    })
    await mirror.sync()
    meanwhile.ask = () => mirror.ask(REALM, { trigger })
    mirror.sandbox.faults.add({ kind, realmId: REALM, times: 1 })
    expect(await mirror.sync()).toMatchObject({ kind: 'failed' })
    expect((await companyRow(mirror))['not_before'] !== null).toBe(stands)
    meanwhile.ask = async () => undefined
    const next = await mirror.run()
    expect(next.kind).toBe(stands ? 'skipped' : 'finished')
  })

  test('grows while QuickBooks stays unavailable, and stays below an interval', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'unavailable503Html', realmId: REALM })
    const waits: unknown[] = []
    for (let failure = 0; failure < 8; failure += 1) {
      await mirror.sync()
      waits.push(secondsUntil((await companyRow(mirror))['not_before']))
    }
    expect(waits).toEqual([22.5, 45, 90, 180, 360, 607.5, 607.5, 607.5])
    expect(await companyRow(mirror)).toMatchObject({ failures_in_a_row: 8 })
  })

  test('for a lapsed subscription grows to a day, and the company says so until it is read again', async () => {
    await start()
    mirror.sandbox.faults.add({ kind: 'company6190', realmId: REALM })
    const waits: unknown[] = []
    for (let failure = 0; failure < 9; failure += 1) {
      await mirror.sync()
      waits.push(secondsUntil((await companyRow(mirror))['not_before']))
    }
    expect(waits.slice(0, 3)).toEqual([855, 1_710, 3_420])
    expect(waits.at(-1)).toBe(86_400 * 0.95)
    expect(await companyRow(mirror)).toMatchObject({
      status: 'unavailable',
      status_code: 'company_unavailable',
    })
    mirror.sandbox.faults.clear()
    await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({ status: 'active', status_code: null })
  })
})

describe('throttled companies', () => {
  test('are no matter of the app while others are read between them', async () => {
    const realms = await startMany(6)
    for (const realmId of realms.slice(0, 4)) await throttle(realmId)
    await mirror.sync(realms[5])
    await throttle(realms[4]!)
    expect(await pauses()).toEqual([{ pausedUntil: null, pausedCode: null }])
  })

  test('pause every call when they are five in a row', async () => {
    const realms = await startMany(6)
    for (const realmId of realms.slice(0, 5)) await throttle(realmId)
    expect(await pauses()).toMatchObject([{ pausedCode: 'throttled' }])
    expect(await mirror.sync(realms[5])).toEqual({ kind: 'skipped', reason: 'waiting' })
    mirror.clock.move({ minutes: 2 })
    expect(await mirror.sync(realms[5])).toMatchObject({ kind: 'finished' })
  })

  async function throttle(realmId: string): Promise<void> {
    mirror.sandbox.faults.add({ kind: 'throttled429', realmId, times: 1 })
    await mirror.ask(realmId)
    expect(await mirror.run(realmId)).toMatchObject({ kind: 'failed' })
  }
})

describe.each(['auth100', 'forbidden3100'] as const)('a refusal by %s', (kind) => {
  test('is the company’s own at the second look, when another one was read since', async () => {
    await start()
    await mirror.sync()
    await mirror.sync(OTHER_REALM)
    mirror.sandbox.faults.add({ kind, realmId: REALM })
    await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({ status: 'active' })
    await mirror.sync(OTHER_REALM)
    await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({ status: 'needs_reauth', status_code: 'needs_reauth' })
    expect(await mirror.sync()).toEqual({ kind: 'skipped', reason: 'inactive' })
  })

  test('is looked at again while nobody else was read', async () => {
    await start()
    await mirror.sync()
    await mirror.sync(OTHER_REALM)
    mirror.sandbox.faults.add({ kind, realmId: REALM })
    for (const _ of [1, 2, 3]) await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({ status: 'active' })
    expect(secondsUntil((await companyRow(mirror))['not_before'])).toBe(60)
  })

  test('is the company’s own when it is the only one', async () => {
    mirror = await startMirror()
    mirror.sandbox.faults.add({ kind, realmId: REALM })
    await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({ status: 'needs_reauth' })
  })

  test('of all companies is the app’s: every call pauses and no company changes its status', async () => {
    const realms = await startMany(3)
    for (const realmId of realms) await mirror.sync(realmId)
    const fault = mirror.sandbox.faults.add({ kind })
    for (const realmId of realms) await mirror.sync(realmId)
    expect(await pauses()).toMatchObject([{ pausedCode: 'app_misconfigured' }])
    expect(await mirror.rows('SELECT DISTINCT status FROM companies')).toEqual([{ status: 'active' }])
    mirror.clock.move({ minutes: 1 })
    for (const realmId of realms) {
      expect(await mirror.sync(realmId)).toEqual({ kind: 'skipped', reason: 'waiting' })
    }
    mirror.clock.move({ minutes: 5 })
    await mirror.sync(realms[0])
    expect(await pauses()).toMatchObject([{ pausedCode: 'app_misconfigured' }])
    mirror.sandbox.faults.remove(fault)
    mirror.clock.move({ minutes: 5 })
    for (const realmId of realms) expect(await mirror.sync(realmId)).toMatchObject({ kind: 'finished' })
  })

  test('of two companies among many stops nobody else', async () => {
    const realms = await startMany(6)
    for (const realmId of realms) await mirror.sync(realmId)
    mirror.sandbox.faults.add({ kind, realmId: realms[0]! })
    mirror.sandbox.faults.add({ kind, realmId: realms[1]! })
    for (const realmId of realms.slice(0, 2)) await mirror.sync(realmId)
    for (const realmId of realms.slice(2)) {
      expect(await mirror.sync(realmId)).toMatchObject({ kind: 'finished' })
    }
    for (const realmId of realms.slice(0, 2)) {
      await mirror.sync(realmId)
      expect(await companyRow(mirror, realmId)).toMatchObject({ status: 'needs_reauth' })
    }
  })

  test('is not judged by others that were read while the company failed for another reason', async () => {
    await start()
    await mirror.sync()
    const outage = mirror.sandbox.faults.add({ kind: 'unavailable503Html', realmId: REALM })
    await mirror.sync()
    await mirror.sync(OTHER_REALM)
    mirror.sandbox.faults.remove(outage)
    mirror.sandbox.faults.add({ kind })
    await mirror.sync()
    expect(await companyRow(mirror)).toMatchObject({ status: 'active' })
  })
})

test('a record that breaks every answer of change data capture is found by the second run at the latest', async () => {
  await start()
  await mirror.sync()
  mirror.clock.move({ minutes: 15 })
  const books = mirror.sandbox.books(REALM)
  const { Id: bad } = books.createBill({ vendorId: '1', amount: '8.00' })
  mirror.clock.move({ seconds: 1 })
  const { Id: good } = books.createBill({ vendorId: '1', amount: '9.00' })
  const { Id: invoice } = books.createInvoice({ customerId: '1', amount: '9.00' })
  const poison = mirror.sandbox.faults.add({ kind: 'poisonedRecord', entity: 'Bill', recordId: bad })
  expect(await mirror.sync()).toMatchObject({ kind: 'failed', error: { code: 'unavailable' } })
  expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
  expect((await lastReport(mirror)).bill).toMatchObject({ inserted: 1, rejected: 1 })
  expect(await rowOf(mirror, 'bills', good)).toBeDefined()
  expect(await rowOf(mirror, 'invoices', invoice)).toBeDefined()
  expect(new Set(Object.values(await watermarks(mirror)))).toEqual(
    new Set([mirror.clock.now().toISOString()]),
  )
  mirror.sandbox.faults.remove(poison)
  mirror.clock.move({ minutes: 15 })
  expect(await mirror.sync(REALM, { mode: 'full' })).toMatchObject({ status: 'succeeded' })
  mirror.clock.move({ minutes: 15 })
  await mirror.sync()
  await expectAtRest(mirror)
})

async function start(kind?: FaultKind): Promise<void> {
  const isHanging = kind === 'hang' || kind === 'tokenHang'
  // Long enough for a run that must succeed on a busy machine.
  const timeouts: MirrorSettings = isHanging ? { callTimeoutMs: 1_500, tokenTimeoutMs: 1_500 } : {}
  const other = company({ realmId: OTHER_REALM, name: 'Other' })
  mirror = await startMirror({ companies: [company(), other], ...timeouts })
}

async function startMany(count: number): Promise<string[]> {
  const realms = Array.from(
    { length: count },
    (_, index) => `46208163000000002${String(index).padStart(2, '0')}`,
  )
  mirror = await startMirror({ companies: realms.map((realmId) => company({ realmId, records: 12 })) })
  return realms
}

function faultOf(kind: FaultKind): FaultSpec {
  if (/^token|^invalid/.test(kind)) return { kind }
  if (kind === 'enforceLimits') return { kind, realmId: REALM, monthlyQuota: 0 }
  return { kind, realmId: REALM }
}

function failures(): Promise<unknown[]> {
  return mirror.rows(
    `SELECT metric, labels, total FROM metric_totals_now() WHERE metric LIKE '%failures%' ORDER BY metric`,
  )
}

function pauses(): Promise<{ pausedUntil: Date | null; pausedCode: string | null }[]> {
  return mirror.rows(
    'SELECT calls_paused_until AS "pausedUntil", calls_paused_code AS "pausedCode" FROM service_state',
  )
}

function secondsUntil(moment: unknown): number | null {
  return moment instanceof Date ? (moment.getTime() - mirror.clock.now().getTime()) / 1000 : null
}
