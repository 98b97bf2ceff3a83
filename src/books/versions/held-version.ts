import type { ContentOf } from '../../domain/change.ts'
import type { Entity } from '../../domain/entity.ts'
import type { JsonObject } from '../../domain/parse-json.ts'

/** One version of one record, as the mirror holds or held it. */
export interface HeldVersion<Of extends Entity = Entity> {
  readonly realmId: string
  readonly qboId: string
  readonly content: ContentOf[Of]
  /** The payload, every number with the digits QuickBooks sent. */
  readonly raw: JsonObject
  readonly syncToken: string | null
  readonly syncRunId: number
  readonly sourceCreatedAt: Date | null
  readonly sourceUpdatedAt: Date
  readonly sourceValidFrom: Date
  /** QuickBooks' time in the answer that brought it. */
  readonly observedAt: Date
  readonly lastSyncedAt: Date
  readonly deletedAt: Date | null
  /** ISO 8601 UTC to the microsecond, by which versions are told apart. */
  readonly validFrom: string
  /** Null on the current one. */
  readonly validTo: string | null
}

/** A version and the one before it, null where the record was first seen. */
export interface VersionPair<Of extends Entity = Entity> {
  readonly before: HeldVersion<Of> | null
  readonly after: HeldVersion<Of>
}

/** What descriptions of a version need to know about its company. */
export interface CompanyWords {
  /** Amounts in another currency carry its code; null while unknown. */
  readonly homeCurrency: string | null
  /** The company's own day at a moment, `YYYY-MM-DD`. */
  readonly dayOf: (moment: Date) => string
}
