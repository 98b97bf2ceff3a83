import type { Entity } from '../../domain/entity.ts'
import { nameOf, type Change } from '../versions/change-of.ts'
import { compareDecimals, withoutSign } from '../versions/decimals.ts'
import { describeVersion } from '../versions/describe-version.ts'
import type { DiffEntry } from '../versions/diff.ts'
import type { CompanyWords, HeldVersion, VersionPair } from '../versions/held-version.ts'
import { isDocument } from '../versions/shown-content.ts'
import type { FeedPlace } from './feed-place.ts'

/** One version as the feed shows it. */
export interface ListedChange {
  readonly place: FeedPlace
  readonly realmId: string
  readonly entity: Entity
  readonly qboId: string
  readonly change: Change
  readonly summary: string
  readonly docNumber: string | null
  /** Name of the vendor or customer; null for an account. */
  readonly counterparty: string | null
  /** For an account, a vendor or a customer: its own name. */
  readonly name: string | null
  readonly txnDate: string | null
  readonly currency: string | null
  readonly totalAmount: BeforeAndAfter
  /** For an account: its balance. */
  readonly balance: BeforeAndAfter
  readonly validFrom: string
  readonly sourceValidFrom: Date
  readonly syncRunId: number
  readonly diff: readonly DiffEntry[]
}

interface BeforeAndAfter {
  readonly before: string | null
  readonly after: string | null
}

/** The filters that need both versions to decide; null: no filter. */
export interface ChangeFilter {
  readonly change: Change | null
  /** A part of the name, case-insensitive; matched before and after. */
  readonly counterparty: string | null
  /** Compared with the larger absolute value of before and after. */
  readonly minAmount: string | null
  /** The run that wrote the version. */
  readonly syncRunId: number | null
}

export function listedChange(
  entity: Entity,
  pair: VersionPair,
  place: FeedPlace,
  company: CompanyWords,
): ListedChange {
  const { before, after } = pair
  const { realmId, qboId, validFrom, sourceValidFrom, syncRunId } = after
  const { change, summary, diff } = describeVersion(entity, pair, company)
  const sides = (field: string) => ({
    before: before && valueOf(before, field),
    after: valueOf(after, field),
  })
  return {
    ...{ place, realmId, entity, qboId, change, summary },
    docNumber: valueOf(after, 'docNumber'),
    counterparty: counterpartyOf(after),
    name: isDocument(entity) ? null : nameOf(after),
    txnDate: valueOf(after, 'txnDate'),
    currency: valueOf(after, 'currency'),
    totalAmount: sides('totalAmount'),
    balance: sides(entity === 'balance' ? 'currentBalance' : 'balance'),
    ...{ validFrom, sourceValidFrom, syncRunId, diff },
  }
}

export function isWanted(listed: ListedChange, { before }: VersionPair, filter: ChangeFilter): boolean {
  const { change, counterparty, minAmount, syncRunId } = filter
  if (syncRunId !== null && listed.syncRunId !== syncRunId) return false
  if (change !== null && listed.change !== change) return false
  if (counterparty !== null) {
    const names = [listed.counterparty, before && counterpartyOf(before)]
    const part = counterparty.toLowerCase()
    if (!names.some((name) => name?.toLowerCase().includes(part))) return false
  }
  return minAmount === null || reaches(listed, minAmount)
}

function reaches({ entity, totalAmount, balance }: ListedChange, minAmount: string): boolean {
  const { before, after } = isDocument(entity) ? totalAmount : balance
  return [before, after].some(
    (amount) => amount !== null && compareDecimals(withoutSign(amount), minAmount) >= 0,
  )
}

function counterpartyOf(version: HeldVersion): string | null {
  return valueOf(version, 'vendorName') ?? valueOf(version, 'customerName') ?? valueOf(version, 'displayName')
}

function valueOf({ content }: HeldVersion, field: string): string | null {
  return (content as unknown as Readonly<Record<string, string | null | undefined>>)[field] ?? null
}
