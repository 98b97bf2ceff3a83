import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { FAULT_KINDS, type FaultKind, type FaultSpec } from '../../src/sandbox/faults.ts'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { expectAtRest, expectSound } from '../sync/invariants.ts'
import {
  AN_INTERVAL_MINUTES,
  FAULTS_OF_A_COMPANY_OR_THE_APP,
  FAULTS_OF_ONE_COMPANY,
  SURVIVED,
  triesFrom,
  unavailable,
} from './answers.ts'
import {
  expectComplete,
  expectUndisturbed,
  HOUR_TIMEOUT_MS,
  LATEST_SECONDS,
  leave,
  playHour,
  playUntilComplete,
  register,
  settle,
  TICK_SECONDS,
  type Hour,
} from './hour.ts'
import { startService, type Service } from './service.ts'

// How far behind its watermark a run asks again.
const OVERLAP_MINUTES = 5

/** Struck at the token server alone, whose answer concerns everybody: told of with the app. */
const OF_THE_APP: readonly FaultKind[] = ['invalidClient']

test('there is an hour of every way in which QuickBooks can fail', () => {
  const told = [
    ...Object.keys(FAULTS_OF_ONE_COMPANY),
    ...Object.keys(FAULTS_OF_A_COMPANY_OR_THE_APP),
    ...SURVIVED,
    ...OF_THE_APP,
  ]
  expect(told.toSorted()).toEqual(FAULT_KINDS.toSorted())
})

let service: Service

beforeAll(async () => {
  service = await startService()
})

afterAll(() => service.close())

describe.each(['backfill', 'incremental'] as const)(
  'an hour in %s of answers that a run survives',
  (phase) => {
    const realm = (which: number) => `4620816334${phase === 'backfill' ? 1 : 2}${which}`
    const realmOf = Object.fromEntries(SURVIVED.map((kind, index) => [kind, realm(index)])) as Record<
      FaultKind,
      string
    >
    const spoiled = realm(10)
    const touched = [...Object.values(realmOf), spoiled]
    const [newcomer, ...settled] = [realm(7), realm(8), realm(9)] as [string, ...string[]]
    const all = [...touched, newcomer, ...settled]
    let hour: Hour
    let poisoned: string
    let bad: string

    beforeAll(async () => {
      const isSettled = phase === 'incremental'
      await settle(service, isSettled ? [...touched, ...settled] : settled)
      const isPaged = (realmId: string) => realmId === realmOf.limitPlusOne
      await register(service, isSettled ? [newcomer] : [...touched, newcomer].filter((id) => !isPaged(id)))
      // So many that its bills take more than a page.
      if (!isSettled) await register(service, [realmOf.limitPlusOne], 4_500)
      bad = spoilBill(service.mirror.sandbox.books(spoiled))
      // The one that is edited in the middle of the hour.
      poisoned = service.mirror.sandbox.books(realmOf.poisonedRecord).records('Bill')[0]!.Id
      for (const kind of SURVIVED)
        service.mirror.sandbox.faults.add({ ...PARAMETERS[kind], kind, realmId: realmOf[kind] })
      hour = await playHour(service, {
        realmIds: all,
        newcomers: isSettled ? [newcomer] : [...touched, newcomer],
      })
    }, HOUR_TIMEOUT_MS)

    afterAll(() => leave(service, all))

    afterEach(() => expectSound(service.mirror))

    const PARAMETERS: Partial<Record<FaultKind, Omit<FaultSpec, 'kind'>>> = {
      slow: { delayMs: 1 },
      groupFault: { entity: 'Bill' },
      // Less than the overlap, which is there for it.
      staleRead: { lagSeconds: 240 },
      get poisonedRecord() {
        return { entity: 'Bill', recordId: poisoned }
      },
    }

    test.each<FaultKind>(['slow', 'limitPlusOne', 'scrambleTies', 'staleRead'])(
      '%s disturbs nobody',
      (kind) => {
        expectUndisturbed(hour.of(realmOf[kind]))
      },
    )

    test('shortPage: a listing that never shows all that is counted is no listing, and changes need none', () => {
      const { runs, due, calls } = hour.of(realmOf.shortPage)
      if (phase === 'incremental') return expectUndisturbed(hour.of(realmOf.shortPage))
      // A run after a failed one begins with another entity, until one is short enough to be shown whole.
      const failed = runs.filter(({ status }) => status === 'failed')
      expect(failed.map(({ minute }) => minute)).toEqual(
        triesFrom(due[0]!, unavailable).slice(0, failed.length),
      )
      expect(failed.length).toBeGreaterThan(0)
      const partial = runs.slice(failed.length)
      expect(partial.every(({ status }) => status === 'partial')).toBe(true)
      expect(runs.every(({ code }) => code === 'unavailable')).toBe(true)
      // The company and its preferences; of each entity the listing, and three looks of a count and a page each. Two
      // entities that fail end a run that has read nothing.
      expect(calls).toBeLessThanOrEqual(failed.length * (2 + 2 * 7) + partial.length * (2 + 5 * 7) + 1)
    })

    test('groupFault: its entity stands still alone, and the others go on', async () => {
      const { runs } = hour.of(realmOf.groupFault)
      // The first run of all may be QuickBooks' own trouble; the next one asks for each entity alone.
      const failed = runs.filter(({ status }) => status === 'failed')
      expect(failed.length).toBeLessThanOrEqual(1)
      expect(new Set(runs.slice(failed.length).map(({ status }) => status))).toEqual(new Set(['partial']))
      const states = await service.mirror.rows<{ entity: string; code: string | null; watermark: Date }>(
        `SELECT entity, error_code AS code, watermark FROM sync_states WHERE realm_id = :realmId`,
        { realmId: realmOf.groupFault },
      )
      const stuck = states.filter(({ code }) => code !== null)
      expect(stuck.map(({ entity, code }) => ({ entity, code }))).toEqual([
        { entity: 'bill', code: 'unavailable' },
      ])
      const now = service.mirror.clock.now().getTime()
      const others = states.filter(({ code }) => code === null)
      expect(others).toHaveLength(4)
      for (const { watermark } of others) {
        expect((now - watermark.getTime()) / 1000).toBeLessThanOrEqual(LATEST_SECONDS + TICK_SECONDS)
      }
    })

    test('poisonedRecord: it is found and set apart, and nothing waits for it', async () => {
      const { runs, due, lagSeconds } = hour.of(realmOf.poisonedRecord)
      expect(Math.max(...lagSeconds.map((lag) => lag ?? Infinity))).toBeLessThanOrEqual(
        LATEST_SECONDS + TICK_SECONDS,
      )
      const failed = runs.filter(({ status }) => status === 'failed')
      // Among the changes it breaks one run, and the next one looks closer; in a listing the first one does.
      const edited = due.find((minute) => minute >= 20)!
      expect(failed).toEqual([{ minute: edited, status: 'failed', code: 'unavailable' }])
      expect(runs.filter(({ status }) => status === 'partial').map(({ minute }) => minute)).toEqual(
        phase === 'backfill' ? [due[0], edited + 1] : [edited + 1],
      )
      // One that was never read is set apart by its place, another by its id.
      const rejects = await openRejects(realmOf.poisonedRecord)
      expect(rejects.length).toBeGreaterThanOrEqual(1)
      expect(new Set(rejects.map(({ code }) => code))).toEqual(new Set(['poisoned_page']))
      expect(new Set(rejects.map(({ qboId }) => qboId === null))).toEqual(new Set([phase === 'backfill']))
    })

    test('an amount that is no number: its record is set apart, and nothing waits for it', async () => {
      const { runs, due, lagSeconds } = hour.of(spoiled)
      // It is met again while the overlap still shows it.
      const isShown = (index: number) => index === 0 || due[index - 1]! <= OVERLAP_MINUTES
      expect(runs).toEqual(
        due.map((minute, index) => ({
          minute,
          status: isShown(index) ? 'partial' : 'succeeded',
          code: null,
        })),
      )
      expect(Math.max(...lagSeconds.map((lag) => lag ?? Infinity))).toBeLessThanOrEqual(LATEST_SECONDS)
      expect(await openRejects(spoiled)).toEqual([{ entity: 'bill', code: 'invalid_payload', qboId: bad }])
      const { companies } = await service.metrics()
      expect(companies.find(({ realmId }) => realmId === spoiled)).toMatchObject({ openRejects: 1 })
    })

    test.each([newcomer, ...settled])('%s, which is well, is synced as ever', (realmId) => {
      expectUndisturbed(hour.of(realmId))
    })

    test('and afterwards all are complete within an interval', async () => {
      const { mirror } = service
      mirror.sandbox.faults.clear()
      mendBill(mirror.sandbox.books(spoiled), bad)
      // What could not be read has no id to ask for it again by: a person asks for a listing.
      await mirror.ask(realmOf.poisonedRecord, { mode: 'full' })
      // Its listing waits longer and longer: a person asks for it at once.
      await mirror.ask(realmOf.groupFault)
      const complete = await playUntilComplete(service, all, AN_INTERVAL_MINUTES)
      for (const realmId of all) await expectComplete(service, realmId)
      expect([...complete.keys()].toSorted()).toEqual(all.toSorted())
      mirror.clock.move({ minutes: 15 })
      await service.beat()
      for (const realmId of all) await expectAtRest(mirror, realmId)
      for (const realmId of [realmOf.poisonedRecord, spoiled]) expect(await openRejects(realmId)).toEqual([])
    })
  },
)

interface OpenReject {
  readonly entity: string
  readonly code: string
  readonly qboId: string | null
}

function openRejects(realmId: string): Promise<OpenReject[]> {
  return service.mirror.rows(
    `SELECT entity, code, qbo_id AS "qboId" FROM sync_rejects WHERE realm_id = :realmId AND resolved_at IS NULL`,
    { realmId },
  )
}

function spoilBill(books: Books): string {
  const bill = books.createBill({ vendorId: '1', amount: '2.00' })
  books.put('Bill', { ...bill, TotalAmt: 'many' })
  return bill.Id
}

function mendBill(books: Books, id: string): void {
  books.put('Bill', { ...books.touch('Bill', id), TotalAmt: 2 })
}
