import type { Entity } from '../../domain/entity.ts'
import { isJsonArray, isJsonObject, type JsonObject } from '../../domain/parse-json.ts'
import { linesOf } from '../lines.ts'
import type { HeldVersion } from './held-version.ts'
import { plainJson, type PlainJson } from './payload-content.ts'
import { isDocument, otherDetails, shownContent } from './shown-content.ts'

export type ShownVersion = Readonly<Record<string, unknown>>

/**
 * A version shown as its record would be, plus `details`: everything else in QuickBooks' payload, under QuickBooks' own
 * names. Every difference is one of these members.
 *
 * @param day the company's day by which the status is judged.
 */
export function showVersion<Of extends Entity>(
  entity: Of,
  version: HeldVersion<Of>,
  day: string,
): ShownVersion {
  const { realmId, qboId, syncToken, sourceUpdatedAt, lastSyncedAt, validFrom, deletedAt, raw } = version
  const tree = shownContent(entity, version, day)
  const { lines: _lines, details: _details, deletedAt: _deletedAt, ...members } = tree
  const lines = raw['Line']
  return {
    ...{ realmId, qboId, syncToken },
    ...plainMembers(members),
    ...(isDocument(entity) && { lines: linesOf(isJsonArray(lines) ? JSON.stringify(lines) : null) }),
    details: plainJson(otherDetails(entity, tree)),
    ...{ sourceUpdatedAt, lastSyncedAt, validFrom, deletedAt },
  }
}

/** A document without a party has null, not a party without id and name. */
function plainMembers(members: JsonObject): Readonly<Record<string, PlainJson>> {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => {
      const isNobody = isJsonObject(value) && Object.values(value).every((inner) => inner === null)
      return [name, isNobody ? null : plainJson(value)]
    }),
  )
}
