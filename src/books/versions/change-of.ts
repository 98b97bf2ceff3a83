import type { Entity } from '../../domain/entity.ts'
import { compareDecimals, isZero, subtract } from './decimals.ts'
import type { HeldVersion, VersionPair } from './held-version.ts'
import { isDocument } from './shown-content.ts'

/** How a version relates to the one before it; if several things happened at once, the most important. */
export const CHANGES = [
  'created',
  'firstSeen',
  'edited',
  'paid',
  'partlyPaid',
  'unpaid',
  'voided',
  'deleted',
  'restored',
  'renamed',
] as const

export type Change = (typeof CHANGES)[number]

export function changeOf<Of extends Entity>(entity: Of, { before, after }: VersionPair<Of>): Change {
  if (before === null) return isSeenNew(after) ? 'created' : 'firstSeen'
  if (after.deletedAt !== null && before.deletedAt === null) return 'deleted'
  if (after.deletedAt === null && before.deletedAt !== null) return 'restored'
  if (isVoided(after) && !isVoided(before)) return 'voided'
  if (isDocument(entity)) return paymentChange(before, after) ?? 'edited'
  return nameOf(before) === nameOf(after) ? 'edited' : 'renamed'
}

/** How much of the total is settled, with the sign of the total; `more` is the growth, negative if it fell. */
export interface Settlement {
  readonly before: string
  readonly after: string
  readonly more: string
  readonly isWhole: boolean
}

export function settlementOf(before: HeldVersion, after: HeldVersion): Settlement {
  const [was, is] = [settled(before), settled(after)]
  const grown = subtract(is, was)
  const { totalAmount, balance } = amountsOf(after)
  const isCredit = compareDecimals(totalAmount, '0') < 0
  return {
    before: was,
    after: is,
    more: isCredit ? subtract('0', grown) : grown,
    isWhole: isZero(balance) && !isZero(totalAmount),
  }
}

export function isVoided({ content }: HeldVersion): boolean {
  return (content as { voided?: boolean }).voided === true
}

/** The name of a party or an account. QuickBooks marks an inactive one in its name, which is not a renaming. */
export function nameOf({ content }: HeldVersion): string {
  const { displayName, accountName } = content as { displayName?: string; accountName?: string }
  return (displayName ?? accountName ?? '').replace(/ \(deleted\)$/, '')
}

const DAY_MS = 86_400_000

/** Both times are QuickBooks': a record entered more than a day earlier was there before we came. */
function isSeenNew({ sourceCreatedAt, observedAt }: HeldVersion): boolean {
  return sourceCreatedAt !== null && observedAt.getTime() - sourceCreatedAt.getTime() <= DAY_MS
}

function paymentChange(before: HeldVersion, after: HeldVersion): Change | null {
  // A voided document has nothing left to settle: "voided" already says it.
  if (isVoided(before) || isVoided(after)) return null
  const { more, isWhole } = settlementOf(before, after)
  const grown = compareDecimals(more, '0')
  if (grown === 0) return null
  if (grown < 0) return 'unpaid'
  return isWhole ? 'paid' : 'partlyPaid'
}

function settled(version: HeldVersion): string {
  const { totalAmount, balance } = amountsOf(version)
  return subtract(totalAmount, balance)
}

function amountsOf({ content }: HeldVersion): { totalAmount: string; balance: string } {
  return content as unknown as { totalAmount: string; balance: string }
}
