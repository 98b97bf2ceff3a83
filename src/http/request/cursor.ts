import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { z } from 'zod'

/**
 * Where a list continues: the key of the last row of a page, with its list's name and a digest, so that a mistyped
 * cursor or one of another list is an error rather than a wrong page. It holds no secret and grants no access.
 */
export function cursorAfter(list: string, key: string | number): string {
  return Buffer.from(`${digest(list, String(key))}${key}`).toString('base64url')
}

/**
 * The list that a request asks for, by its name and its filters in any order: what a cursor belongs to, because a page of
 * other filters would silently leave rows out.
 */
export function listOf({ query }: Request, ...name: readonly (string | null)[]): string {
  const filters = Object.entries(query)
    .filter(([parameter, value]) => value !== '' && !PAGING.includes(parameter))
    .sort(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify([...name, filters])
}

const PAGING = ['limit', 'cursor', 'after']

/** The query parameter: returns the key, or null at the beginning of the list. Keys are digits, at most this many. */
export function cursorOf(list: string, longestKey: number) {
  const message = 'is not a cursor of this list'
  return z
    .string({ error: message })
    .transform((cursor, context) => {
      const text = Buffer.from(cursor, 'base64url').toString()
      const key = text.slice(DIGEST_LENGTH)
      if (DIGITS.test(key) && key.length <= longestKey && cursorAfter(list, key) === cursor) return key
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
    .nullable()
    .default(null)
}

/** One page out of rows read with one more than is shown. */
export function page<Row, Shown>(
  rows: readonly Row[],
  { list, limit, keyOf }: { list: string; limit: number; keyOf: (row: Row) => string | number },
  show: (row: Row) => Shown,
): { data: Shown[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const nextCursor = last !== undefined && rows.length > limit ? cursorAfter(list, keyOf(last)) : null
  return { data: shown.map(show), nextCursor }
}

const DIGITS = /^\d+$/
const DIGEST_LENGTH = 8

function digest(list: string, key: string): string {
  return createHash('sha256').update(`${list}\n${key}`).digest('base64url').slice(0, DIGEST_LENGTH)
}
