import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import type { Entity } from '../domain/entity.ts'

/**
 * What is read: the mirror as it is (both null), as it was (`asOf`, our clock), what QuickBooks had by its own clock
 * (`sourceAsOf`), or what the mirror at `asOf` knew of `sourceAsOf`. ISO 8601 UTC with up to six decimals, because
 * versions begin at microseconds and a `Date` would cut them off.
 */
export interface Moment {
  readonly asOf: string | null
  readonly sourceAsOf: string | null
}

/**
 * The rows of an entity at a moment, as SQL for FROM, with the bindings `:asOf` and `:sourceAsOf`: one row a record,
 * deleted ones with their `deleted_at`. The rule itself stands in the database (serve_moments), so that who reads with
 * SQL gets the same rows. All three are inlined: a condition on `realm_id` or `qbo_id` reaches the indexes.
 */
export function rowsAt(entity: Entity, { asOf, sourceAsOf }: Moment): string {
  const { table } = MIRRORED_TABLES[entity]
  if (sourceAsOf !== null) {
    const known = asOf === null ? `timestamptz 'infinity'` : 'CAST(:asOf AS timestamptz)'
    return `${table}_known(CAST(:sourceAsOf AS timestamptz), ${known})`
  }
  return asOf === null ? table : `${table}_held(CAST(:asOf AS timestamptz))`
}

/** A `timestamptz` that came as text from a session in whatever zone. */
export function momentOf(text: string): string {
  const [, day, time, micros = '', zone = ''] =
    /^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?([+-].*)$/.exec(text) ?? []
  if (day === undefined || time === undefined) throw new RangeError(`not a moment of Postgres: ${text}`)
  const fraction = micros.padEnd(3, '0')
  if (zone === '+00') return `${day}T${time}.${fraction}Z`
  const seconds = new Date(`${day}T${time}${zone.length === 3 ? `${zone}:00` : zone}`)
    .toISOString()
    .slice(0, 19)
  return `${seconds}.${fraction}Z`
}

const ISO = /^(.*?)(?:\.(\d+))?(?:Z|[+-]\d\d:?\d\d)$/i

/**
 * A time that somebody wrote in ISO 8601 as a moment: in UTC, cut after microseconds.
 *
 * @returns null outside the years 1 to 9999, which is as far as both sides write them alike.
 */
export function momentFrom(text: string): string | null {
  const at = new Date(text)
  const year = at.getUTCFullYear()
  if (Number.isNaN(year) || year < 1 || year > 9999) return null
  const micros = (ISO.exec(text)?.[2] ?? '').slice(3, 6).replace(/0+$/, '')
  return `${at.toISOString().slice(0, -1)}${micros}Z`
}
