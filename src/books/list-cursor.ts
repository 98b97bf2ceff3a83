import { createHash } from 'node:crypto'
import { LedgerError } from '../domain/ledger-error.ts'
import type { SortKey } from './list-order.ts'

/** What a page run keeps from its first page, so that later pages show the same mirror whatever changes meanwhile. */
export interface Pinned {
  /** The company's latest moment when the first page was read; null if the request names a moment itself. */
  readonly asOf: string | null
  readonly today: string
  readonly confirmedAt: Date
  readonly laggingSince: Date
}

/** A place in a list: just after this record. */
export interface Place {
  /** The record's sort value, as Postgres writes it; null for records without one. */
  readonly value: string | null
  readonly qboId: string
}

export interface Cursor {
  readonly place: Place
  readonly pinned: Pinned
}

/**
 * Where a list continues. A digest covers the cursor and the list it belongs to, so that a mistyped cursor or one of
 * another list is an error rather than a wrong page. It holds no secret and grants no access.
 *
 * @param list what the cursor belongs to: list, filters, sort and moment.
 */
export function sealCursor({ place, pinned }: Cursor, list: string): string {
  const body = JSON.stringify([
    place.value,
    place.qboId,
    pinned.asOf,
    pinned.today,
    pinned.confirmedAt.getTime(),
    pinned.laggingSince.getTime(),
  ])
  const ofList = digest(body + list)
  return Buffer.from(`${digest(ofList + body)}${ofList}${body}`).toString('base64url')
}

/** @throws LedgerError `invalid_request` that names the field `cursor`. */
export function openCursor(cursor: string, list: string, key: SortKey): Cursor {
  const text = Buffer.from(cursor, 'base64url').toString()
  const ofList = text.slice(DIGEST_LENGTH, 2 * DIGEST_LENGTH)
  const body = text.slice(2 * DIGEST_LENGTH)
  if (
    Buffer.from(text).toString('base64url') !== cursor ||
    text.slice(0, DIGEST_LENGTH) !== digest(ofList + body)
  ) {
    throw refused('is not a cursor of this list')
  }
  if (ofList !== digest(body + list)) {
    throw refused('is not a cursor of this list: it belongs to another list, sort, filter or moment')
  }
  const parts = partsOf(body)
  if (!parts || !isValue(parts[0], key)) throw refused('is not a cursor of this list')
  const [value, qboId, asOf, today, confirmedAt, laggingSince] = parts
  return {
    place: { value, qboId },
    pinned: { asOf, today, confirmedAt: new Date(confirmedAt), laggingSince: new Date(laggingSince) },
  }
}

const DIGEST_LENGTH = 8

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_LENGTH)
}

function refused(message: string): LedgerError {
  return new LedgerError('invalid_request', `cursor: ${message}`, {
    details: { fields: [{ field: 'cursor', message }] },
  })
}

type Parts = readonly [string | null, string, string | null, string, number, number]

/** Fails only for somebody who makes cursors of their own. */
function partsOf(body: string): Parts | null {
  try {
    const parts = JSON.parse(body) as Parts
    const [, qboId, asOf, today, ...times] = parts
    const right =
      /^\d{1,32}$/.test(qboId) &&
      (asOf === null || FORMS.timestamptz.test(asOf)) &&
      FORMS.date.test(today) &&
      times.every((time) => Math.abs(time) < 1e14)
    return right ? parts : null
  } catch {
    return null
  }
}

const FORMS: Readonly<Record<SortKey['type'], RegExp>> = {
  text: /^[^\u0000]*$/,
  date: /^\d{4}-\d\d-\d\d$/,
  numeric: /^-?\d{1,60}(\.\d{1,60})?$/,
  timestamptz: /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:\d\d)?)$/,
}

function isValue(value: unknown, { type, nullable }: SortKey): boolean {
  if (value === null) return nullable
  return typeof value === 'string' && FORMS[type].test(value)
}
