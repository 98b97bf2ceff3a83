import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import type { Entity } from '../domain/entity.ts'

/**
 * Which state is read: the mirror now (both null), the mirror as it was (`asOf`, our clock), what QuickBooks had by its
 * own clock (`sourceAsOf`), or what the mirror at `asOf` knew about `sourceAsOf`. ISO 8601 UTC with up to six decimals,
 * because versions begin at microseconds and a `Date` would cut them off.
 */
export interface Moment {
  readonly asOf: string | null
  readonly sourceAsOf: string | null
}

/** What the mirror holds now. */
export const NOW: Moment = { asOf: null, sourceAsOf: null }

/**
 * The rows of an entity at a moment, as SQL for FROM, with the bindings `:asOf` and `:sourceAsOf`: one row per record,
 * deleted ones with their `deleted_at`. The rule itself is in the database (serve_moments), so that SQL users get the
 * same rows. All three are inlined: a condition on `realm_id` or `qbo_id` reaches the indexes.
 */
export function rowsAt(entity: Entity, { asOf, sourceAsOf }: Moment): string {
  const { table } = MIRRORED_TABLES[entity]
  if (sourceAsOf !== null) {
    const known = asOf === null ? `timestamptz 'infinity'` : 'CAST(:asOf AS timestamptz)'
    return `${table}_known(CAST(:sourceAsOf AS timestamptz), ${known})`
  }
  return asOf === null ? table : `${table}_held(CAST(:asOf AS timestamptz))`
}

const MICROS = 6
const MILLIS = 3

/** A `timestamptz` as Postgres' text, in ISO 8601 UTC to the microsecond, so that text order is time order. */
export function momentOf(text: string): string {
  return isoOf(text, MICROS)
}

/** The same for a time from our clock or QuickBooks', which have milliseconds at most. */
export function timeOf(text: string): string {
  return isoOf(text, MILLIS)
}

/** A page has hundreds of times: slicing the text of a UTC session takes a tenth of the time of a `Date`. */
function isoOf(text: string, digits: number): string {
  return text.endsWith('+00') && text[DAY_END] === ' ' ? cutUtc(text, digits) : convert(text, digits)
}

const DAY_END = '2026-01-31'.length
const SECONDS_END = '2026-01-31 08:00:00'.length

function cutUtc(text: string, digits: number): string {
  const fraction = text.slice(SECONDS_END + 1, -'+00'.length).padEnd(digits, '0')
  return `${text.slice(0, DAY_END)}T${text.slice(DAY_END + 1, SECONDS_END)}.${fraction}Z`
}

/** In any zone and any year. */
function convert(text: string, digits: number): string {
  const [, seconds = '', fraction = '', zone = ''] = /^([\d: -]+\d)(?:\.(\d+))?([+-][\d:]+)$/.exec(text) ?? []
  const at = new Date(`${seconds.replace(' ', 'T')}${zone.length === '+00'.length ? `${zone}:00` : zone}`)
  if (Number.isNaN(at.getTime())) throw new RangeError(`not a moment of Postgres: ${text}`)
  return `${at.toISOString().slice(0, -'.000Z'.length)}.${fraction.padEnd(digits, '0')}Z`
}

const ISO = /^(.*?)(?:\.(\d+))?(?:Z|[+-]\d\d:?\d\d)$/i

/**
 * A time given in ISO 8601, as a moment: in UTC, cut to microseconds.
 *
 * @returns null outside the years 1 to 9999, which is as far as both sides write them alike.
 */
export function momentFrom(text: string): string | null {
  const at = new Date(text)
  const year = at.getUTCFullYear()
  if (Number.isNaN(year) || year < 1 || year > 9999) return null
  const micros = (ISO.exec(text)?.[2] ?? '').slice(MILLIS, MICROS).padEnd(MICROS - MILLIS, '0')
  return `${at.toISOString().slice(0, -1)}${micros}Z`
}
