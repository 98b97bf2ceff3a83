import type { Reject, Tombstone, Version } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import type { Observed } from './envelope.ts'
import { isTombstone, mapRecord, mapTombstone } from './mappers.ts'
import type { Mapping } from './mapping.ts'
import { parseMoment } from './moment.ts'
import { isJsonObject, type Json } from '../domain/parse-json.ts'

/** What we keep of a record in an answer: plain data that can be passed between threads. */
export interface ListedRow {
  readonly mapped: Version | Tombstone | Reject
  /** As QuickBooks wrote it, to the second; null if unreadable. */
  readonly createTime: string | null
  readonly lastUpdatedTime: string | null
}

/** The rows of one query. */
export interface QueryAnswer extends Observed {
  readonly rows: readonly ListedRow[]
  /** What the whole answer weighed, decompressed. */
  readonly bytes: number
}

export function toListedRow(entity: Entity, row: Json, mapping: Mapping): ListedRow {
  return {
    mapped: mapRecord(entity, row, mapping),
    createTime: timeIn(row, 'CreateTime'),
    lastUpdatedTime: timeIn(row, 'LastUpdatedTime'),
  }
}

/** The same for change data capture, whose rows may be tombstones. */
export function toChangedRow(entity: Entity, row: Json, mapping: Mapping): ListedRow['mapped'] {
  return isTombstone(row) ? mapTombstone(row) : mapRecord(entity, row, mapping)
}

function timeIn(row: Json, name: 'CreateTime' | 'LastUpdatedTime'): string | null {
  const metaData = isJsonObject(row) ? row['MetaData'] : undefined
  const time = isJsonObject(metaData) ? metaData[name] : undefined
  return typeof time === 'string' && parseMoment(time) ? time.replace(/\.\d+/, '') : null
}
