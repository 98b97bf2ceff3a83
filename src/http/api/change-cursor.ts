import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { FeedPlace } from '../../books/changes/feed-place.ts'

const PARTS = z.tuple([
  z.uuid(),
  z.boolean(),
  z.string().regex(/^\d{1,20}$/),
  z.string().regex(/^-?\d{1,18}$/),
  z.string().regex(/^\d{1,32}$/),
  z.number().int().min(0).max(9),
  z.string().regex(/^\d{1,32}$/),
])

/**
 * A place in the feed as a cursor: with a digest, so that a mistyped one is an error rather than a wrong page. It holds
 * no secret and grants no access.
 *
 * @param list the list with its filters and order, if the cursor belongs to one; null if any list may continue from it.
 */
export function sealPlace(place: FeedPlace, list: string | null): string {
  const { mark, isEarlier, txId, micros, realmId, entity, qboId } = place
  const body = JSON.stringify([mark, isEarlier, txId, micros, realmId, entity, qboId])
  const owner = list === null ? ANY_LIST : digest(list + body)
  return Buffer.from(`${digest(owner + body)}${owner}${body}`).toString('base64url')
}

/** The query parameter; `list` as in `sealPlace`, null if a cursor of any list will do. */
export function placeOf(list: string | null) {
  const message = 'is not a cursor of this list'
  return z.string({ error: message }).transform((cursor, context) => {
    const place = openPlace(cursor, list)
    if (place) return place
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

function openPlace(cursor: string, list: string | null): FeedPlace | null {
  const text = Buffer.from(cursor, 'base64url').toString()
  const owner = text.slice(DIGEST_LENGTH, 2 * DIGEST_LENGTH)
  const body = text.slice(2 * DIGEST_LENGTH)
  if (text.slice(0, DIGEST_LENGTH) !== digest(owner + body)) return null
  if (list !== null && owner !== digest(list + body)) return null
  const parts = PARTS.safeParse(jsonOf(body))
  if (!parts.success) return null
  const [mark, isEarlier, txId, micros, realmId, entity, qboId] = parts.data
  return { mark, isEarlier, txId, micros, realmId, entity, qboId }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const DIGEST_LENGTH = 8
const ANY_LIST = '-'.repeat(DIGEST_LENGTH)

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_LENGTH)
}
