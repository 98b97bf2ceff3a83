import { isDeepStrictEqual } from 'node:util'
import { expect } from '@jest/globals'
import type { ErrorCode } from '../../src/domain/ledger-error.ts'
import type { RunStatus } from '../../src/domain/sync-run.ts'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { company, INTERVAL_SECONDS } from '../setup/mirror.ts'
import type { Service } from './service.ts'

export const MINUTES = 60
export const TICK_SECONDS = 60
/** In real time, on a machine with other things to do: an hour of twenty companies is some thousand statements. */
export const HOUR_TIMEOUT_MS = 240_000
/** Nobody who is well is ever later: a company is due once an interval, and the tick after that takes it. */
export const LATEST_SECONDS = INTERVAL_SECONDS + TICK_SECONDS

export interface RunInHour {
  /** Of the hour, from 1. */
  readonly minute: number
  readonly status: RunStatus
  readonly code: ErrorCode | null
}

/** What an hour brought to one company. */
export interface Chronicle {
  readonly runs: readonly RunInHour[]
  /** In each minute just before its tick, when it is highest; null while it is not told. */
  readonly lagSeconds: readonly (number | null)[]
  /** As the simulator counts them, renewals of tokens included. */
  readonly calls: number
  /** Minutes in which a company that is well is taken up, by its own rhythm. */
  readonly due: readonly number[]
}

export interface Hour {
  of(realmId: string): Chronicle
}

export interface HourOptions {
  readonly realmIds: readonly string[]
  /** Registered at the beginning of the hour and never synced. */
  readonly newcomers?: readonly string[]
  readonly minutes?: number
  readonly eachMinute?: (minute: number) => Promise<void> | void
}

/** Companies that were mirrored just now. Their access tokens have ended, so that each has to be renewed first. */
export async function settle(service: Service, realmIds: readonly string[]): Promise<void> {
  await register(service, realmIds)
  await service.beat()
  for (const realmId of realmIds) await expectComplete(service, realmId)
  await service.mirror.rows('UPDATE connections SET access_token_expires_at = :now', {
    now: service.mirror.clock.now().toISOString(),
  })
}

/** Companies that were never synced, small ones unless more is asked for. */
export async function register(
  { mirror }: Service,
  realmIds: readonly string[],
  records = 24,
): Promise<void> {
  for (const realmId of realmIds) {
    await mirror.addCompany(company({ realmId, name: `Company ${realmId}`, records, lively: false }))
  }
}

/** Lets companies be, so that the next ones are alone. */
export async function leave({ mirror }: Service, realmIds: readonly string[]): Promise<void> {
  for (const realmId of realmIds) {
    await mirror.rows(`UPDATE companies SET status = 'disconnected' WHERE realm_id = :realmId`, { realmId })
  }
}

/** An hour, minute by minute: everybody trades, the clock moves, the tick beats, the jobs are done. */
export async function playHour(service: Service, options: HourOptions): Promise<Hour> {
  const { mirror } = service
  const { realmIds, newcomers = [], minutes = MINUTES } = options
  const start = await thisMoment(service)
  const lags = new Map(realmIds.map((realmId) => [realmId, [] as (number | null)[]]))
  for (let minute = 1; minute <= minutes; minute += 1) {
    for (const realmId of realmIds) trade(mirror.sandbox.books(realmId), minute)
    mirror.clock.move({ seconds: TICK_SECONDS })
    const now = await lagSeconds(service)
    for (const realmId of realmIds) lags.get(realmId)!.push(now.get(realmId) ?? null)
    await options.eachMinute?.(minute)
    await service.beat()
  }
  const phases = await readPhases(service)
  const runs = new Map<string, RunInHour[]>()
  for (const realmId of realmIds) runs.set(realmId, await runsSince(service, realmId, start))
  const calls = mirror.sandbox.calls.list().filter(({ atMs }) => atMs > start.ms)
  return {
    of: (realmId) => ({
      runs: runs.get(realmId)!,
      lagSeconds: lags.get(realmId)!,
      calls: calls.filter((call) => call.realmId === realmId).length,
      due: dueMinutes(phases.get(realmId)!, start.ms, minutes, newcomers.includes(realmId)),
    }),
  }
}

/** A company that is well: taken up whenever it was due and at no other time, and never late. */
export function expectUndisturbed({ runs, due, lagSeconds: lags }: Chronicle): void {
  expect(runs).toEqual(due.map((minute) => ({ minute, status: 'succeeded', code: null })))
  expect(Math.max(...lags.map((lag) => lag ?? Infinity))).toBeLessThanOrEqual(LATEST_SECONDS)
}

export async function isComplete({ mirror }: Service, realmId: string): Promise<boolean> {
  return isDeepStrictEqual(await dumpMirror(mirror, realmId), expectedMirror(mirror, realmId))
}

/**
 * Lets minutes pass without business until the mirror of each company is what its books are.
 *
 * @returns the minute in which each became so: 0 at once, left out when it never did.
 */
export async function playUntilComplete(
  service: Service,
  realmIds: readonly string[],
  mostMinutes: number,
): Promise<Map<string, number>> {
  const complete = new Map<string, number>()
  await service.work()
  for (let minute = 0; ; minute += 1) {
    for (const realmId of realmIds) {
      if (!complete.has(realmId) && (await isComplete(service, realmId))) complete.set(realmId, minute)
    }
    if (minute === mostMinutes || complete.size === realmIds.length) return complete
    service.mirror.clock.move({ seconds: TICK_SECONDS })
    await service.beat()
  }
}

/** The mirror of a company is what its books are. */
export async function expectComplete({ mirror }: Service, realmId: string): Promise<void> {
  expect(await dumpMirror(mirror, realmId)).toEqual(expectedMirror(mirror, realmId))
}

/** The total that `/metrics` tells of one series, 0 where there is none yet. */
export async function totalOf(
  service: Service,
  metric: string,
  labels: Readonly<Record<string, string>>,
): Promise<number> {
  const { totals } = await service.metrics()
  const wanted = Object.entries(labels)
  return totals
    .filter(
      (total) =>
        total.metric === metric &&
        Object.keys(total.labels).length === wanted.length &&
        wanted.every(([name, value]) => total.labels[name] === value),
    )
    .reduce((sum, { total }) => sum + total, 0)
}

/** The lag of each company, of the entity that is furthest behind, as `/metrics` tells it. */
export async function lagSeconds(service: Service): Promise<Map<string, number>> {
  const { freshness } = await service.metrics()
  const lags = new Map<string, number>()
  for (const { realmId, lagSeconds: lag } of freshness) {
    lags.set(realmId, Math.max(lag, lags.get(realmId) ?? 0))
  }
  return lags
}

/** A place in the story: the clock may stand still while one thing follows the other. */
export interface Moment {
  readonly ms: number
  /** Of the newest run there was. */
  readonly runId: number
}

export async function thisMoment({ mirror }: Service): Promise<Moment> {
  const [row] = await mirror.rows<{ runId: number | null }>('SELECT max(id) AS "runId" FROM sync_runs')
  return { ms: mirror.clock.now().getTime(), runId: row?.runId ?? 0 }
}

/** Runs of a company that began after a moment, oldest first, by the minutes that had passed. */
export async function runsSince({ mirror }: Service, realmId: string, since: Moment): Promise<RunInHour[]> {
  const rows = await mirror.rows<{ at: Date; status: RunStatus; code: ErrorCode | null }>(
    `SELECT started_at AS at, status, error_code AS code
       FROM sync_runs
      WHERE realm_id = :realmId AND id > :runId
      ORDER BY id`,
    { realmId, runId: since.runId },
  )
  return rows.map(({ at, status, code }) => ({ minute: (at.getTime() - since.ms) / 60_000, status, code }))
}

/** One of each: what an hour of work leaves in the books. */
function trade(books: Books, minute: number): void {
  const bill = (index: number) => books.records('Bill')[index]!.Id
  if (minute === 5) books.createBill({ vendorId: '1', amount: '31.05' })
  if (minute === 20) books.editBill(bill(0), { privateNote: 'edited during the hour' })
  if (minute === 30) books.deleteTxn('Bill', bill(1))
  if (minute === 40) books.createInvoice({ customerId: '1', amount: '40.40' })
}

async function readPhases({ mirror }: Service): Promise<Map<string, number>> {
  const rows = await mirror.rows<{ realmId: string; phase: number }>(
    'SELECT realm_id AS "realmId", sync_phase AS phase FROM companies',
  )
  return new Map(rows.map(({ realmId, phase }) => [realmId, phase]))
}

/** A point of the rhythm, phase + k intervals, falls into each of these minutes; a newcomer is due at once. */
function dueMinutes(phase: number, startMs: number, minutes: number, isNew: boolean): number[] {
  const pointsUntil = (minute: number) =>
    Math.floor((startMs / 1000 + minute * TICK_SECONDS) / INTERVAL_SECONDS - phase)
  return Array.from({ length: minutes }, (_, index) => index + 1).filter(
    (minute) => pointsUntil(minute) > pointsUntil(minute - 1) || (isNew && minute === 1),
  )
}
