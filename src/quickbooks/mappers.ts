import type { Reject, Tombstone, Version } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { contentHash } from './content-hash.ts'
import { MAPPERS } from './registry.ts'
import type { Mapping } from './mapping.ts'
import { parseMoment } from './moment.ts'
import { isJsonObject, isNumberText, parseJson, type Json, type JsonObject } from '../domain/parse-json.ts'
import { invalidField, momentField, objectField, textField } from './payload-fields.ts'

/**
 * Raise it whenever a mapper reads a new field or reads one differently, or the rule of `contentHash` changes: payloads
 * stored under a smaller number are then mapped again, and rows whose content differs gain a version.
 */
export const MAPPING_VERSION = 2

/** One payload of a query, of change data capture or of a read: a version, or a reject that says why not. */
export function mapRecord(entity: Entity, payload: Json, mapping: Mapping): Version | Reject {
  return orReject(payload, (record) => {
    const metaData = objectField(record, 'MetaData') ?? {}
    const { noise, toContent } = MAPPERS[entity]
    return {
      kind: 'version',
      qboId: requiredId(record),
      syncToken: textField(record, 'SyncToken'),
      sourceCreatedAt: momentField(metaData, 'CreateTime', 'MetaData.CreateTime'),
      sourceUpdatedAt: lastUpdated(metaData),
      content: toContent(record, mapping),
      contentHash: contentHash(record, noise),
      raw: JSON.stringify(record),
    }
  })
}

/** The same for a payload stored as JSON text, with every number as QuickBooks wrote it. */
export function mapStored(entity: Entity, rawText: string, mapping: Mapping): Version | Reject {
  try {
    return mapRecord(entity, parseJson(rawText), mapping)
  } catch (cause) {
    const reason = new LedgerError('invalid_payload', 'the stored payload is no JSON', { cause })
    return { qboId: null, position: null, payload: rawText, reason }
  }
}

/** True for change data capture's report of a delete: the literal status, which no live record has. */
export function isTombstone(payload: Json): boolean {
  return isJsonObject(payload) && payload['status'] === 'Deleted'
}

export function mapTombstone(payload: Json): Tombstone | Reject {
  return orReject(payload, (record) => ({
    kind: 'tombstone',
    qboId: requiredId(record),
    sourceUpdatedAt: lastUpdated(objectField(record, 'MetaData') ?? {}),
  }))
}

/** The Id of a payload as text, or null if it is not digits. */
export function idOf(payload: Json): string | null {
  const id = isJsonObject(payload) ? payload['Id'] : undefined
  const text = isNumberText(id) ? id.rawJSON : id
  return typeof text === 'string' && /^\d+$/.test(text) ? text : null
}

export function rejected(payload: Json, reason: LedgerError): Reject {
  const sourceUpdatedAt = lastUpdatedOrNull(payload)
  return { qboId: idOf(payload), position: null, payload: JSON.stringify(payload), reason, sourceUpdatedAt }
}

/** Whatever a mapper throws concerns that payload alone. */
function orReject<T>(payload: Json, map: (record: JsonObject) => T): T | Reject {
  try {
    if (!isJsonObject(payload)) throw invalidField('the record', payload, 'an object')
    return map(payload)
  } catch (thrown) {
    if (thrown instanceof LedgerError) return rejected(payload, thrown)
    const reason = new LedgerError('invalid_payload', `the payload could not be mapped: ${String(thrown)}`, {
      cause: thrown,
    })
    return rejected(payload, reason)
  }
}

function requiredId(record: JsonObject): string {
  const id = idOf(record)
  if (id === null) throw invalidField('Id', record['Id'], 'digits')
  return id
}

function lastUpdatedOrNull(payload: Json): Date | null {
  const metaData = isJsonObject(payload) ? payload['MetaData'] : null
  const time = isJsonObject(metaData) ? metaData['LastUpdatedTime'] : null
  return typeof time === 'string' ? parseMoment(time) : null
}

function lastUpdated(metaData: JsonObject): Date {
  const moment = momentField(metaData, 'LastUpdatedTime', 'MetaData.LastUpdatedTime')
  if (!moment) throw invalidField('MetaData.LastUpdatedTime', undefined, 'a time with an offset')
  return moment
}
