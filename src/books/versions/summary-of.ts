import type { Entity } from '../../domain/entity.ts'
import type { JsonObject } from '../../domain/parse-json.ts'
import { isVoided, nameOf, type Change } from './change-of.ts'
import type { Difference } from './diff.ts'
import type { CompanyWords, HeldVersion, VersionPair } from './held-version.ts'
import { amountWords, dayWords, sentence, textWords } from './plain-words.ts'
import { isDocument } from './shown-content.ts'
import { dropDerived, tellCustomFields, tellDerived, tellFields, tellParties } from './tell-fields.ts'
import { tellLines } from './tell-lines.ts'
import { tellPayments } from './tell-payments.ts'
import { leafText, take, valueAt, type Telling } from './telling.ts'

/** What a summary is made from, besides the pair itself. */
export interface Told {
  readonly change: Change
  readonly before: JsonObject | null
  readonly after: JsonObject
  readonly differences: readonly Difference[]
}

/**
 * One sentence for a person about what a version changed: the most important first, separated by semicolons, bounded in
 * length. Every difference is included, if only as one of "3 more changes", save a default that one way of reading
 * states and another leaves out.
 */
export function summaryOf<Of extends Entity>(
  entity: Of,
  pair: VersionPair<Of>,
  told: Told,
  company: CompanyWords,
): string {
  const { before } = pair
  if (before === null || told.before === null) return firstSentence(entity, pair.after, told.change, company)
  const telling: Telling = {
    ...company,
    entity,
    pair: { before, after: pair.after },
    before: told.before,
    after: told.after,
    left: new Set(told.differences.filter((difference) => !isDefault(difference))),
  }
  return joined(tell(telling, told.change))
}

function tell(telling: Telling, change: Change): string[] {
  const code = foreignCode(telling.pair.after, telling)
  const life = tellLife(telling, code)
  const amount = tellAmount(telling, code)
  const payments = isDocument(telling.entity) ? tellPayments(telling, code) : []
  const parts = [
    ...life,
    ...(isPayment(change) ? [...payments, ...amount] : [...amount, ...payments]),
    ...tellParties(telling),
    ...tellLines(telling, code),
    ...tellFields(telling, code),
    ...tellCustomFields(telling),
  ]
  if (parts.length > 0) dropDerived(telling)
  parts.push(...tellDerived(telling, code), ...tellRest(telling))
  return parts.length > 0 ? parts : [`another detail of ${NOUNS[telling.entity]} changed`]
}

/** QuickBooks states a default in one answer and leaves it out of the next: nobody changed anything. */
function isDefault({ before, after }: Difference): boolean {
  return saysNothing(before) && saysNothing(after)
}

const DEFAULTS: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  '',
  false,
  'NotSet',
  'NotBillable',
  'NotApplicable',
])

function saysNothing(value: Difference['before']): boolean {
  return DEFAULTS.has(value)
}

function isPayment(change: Change): boolean {
  return change === 'paid' || change === 'partlyPaid' || change === 'unpaid'
}

/** Deleted, restored, voided, renamed. */
function tellLife(telling: Telling, code: string | null): string[] {
  const { before, after } = telling.pair
  const parts: string[] = []
  if (take(telling, ['deletedAt']).length > 0 && (before.deletedAt === null) !== (after.deletedAt === null)) {
    parts.push(after.deletedAt === null ? 'back in QuickBooks after it was deleted' : 'deleted in QuickBooks')
  }
  if (isVoided(after) && !isVoided(before)) parts.push(tellVoid(telling, code))
  if (isVoided(before) && !isVoided(after)) parts.push('no longer voided')
  if (nameOf(before) !== nameOf(after)) {
    parts.push(`renamed from ${textWords(nameOf(before))} to ${textWords(nameOf(after))}`)
    dropCopiesOfName(telling)
  }
  for (const member of ['displayName', 'accountName']) take(telling, [member])
  return parts
}

/** Everything voiding itself does: it sets all amounts to zero and puts a word in front of the note. */
function tellVoid(telling: Telling, code: string | null): string {
  const was = leafText(telling.before['totalAmount']) ?? '0'
  for (const steps of [['totalAmount'], ['lines'], ['details', 'TxnTaxDetail'], ['details', 'Deposit']]) {
    take(telling, steps)
  }
  const note = leafText(valueAt(telling.before, ['details', 'PrivateNote'])) ?? ''
  const voidedNote = leafText(valueAt(telling.after, ['details', 'PrivateNote'])) ?? ''
  if (voidedNote.startsWith('Voided') && voidedNote.endsWith(note)) take(telling, ['details', 'PrivateNote'])
  return `voided; was ${amountWords(was, code)}`
}

/** QuickBooks offers to copy a new name into related fields. */
function dropCopiesOfName(telling: Telling): void {
  const name = nameOf(telling.pair.after)
  take(telling, ['fullyQualifiedName'])
  for (const steps of [['companyName'], ['details', 'PrintOnCheckName'], ['details', 'CompanyName']]) {
    if (leafText(valueAt(telling.after, steps)) === name) take(telling, steps)
  }
}

function tellAmount(telling: Telling, code: string | null): string[] {
  if (take(telling, ['totalAmount']).length === 0) return []
  const [before, after] = [leafText(telling.before['totalAmount']), leafText(telling.after['totalAmount'])]
  const wasCode = foreignCode(telling.pair.before, telling)
  return [`amount ${amountWords(before ?? '0', wasCode)} → ${amountWords(after ?? '0', code)}`]
}

/** Differences without words of their own, counted by field. */
function tellRest({ left, entity }: Telling): string[] {
  const fields = new Set([...left].map(({ steps }) => steps.slice(0, 2).join('\n')))
  if (fields.size === 0) return []
  const noun = NOUNS[entity]
  return [
    fields.size === 1
      ? `another detail of ${noun} changed`
      : `${fields.size} other details of ${noun} changed`,
  ]
}

const NOUNS: Readonly<Record<Entity, string>> = {
  bill: 'the bill',
  invoice: 'the invoice',
  balance: 'the account',
  vendor: 'the vendor',
  customer: 'the customer',
}

// Nobody reads a sentence of more parts, and a row of a list holds about this much.
const MOST_PARTS = 4
const LONGEST = 300

function joined(parts: readonly string[]): string {
  let shown = Math.min(parts.length, MOST_PARTS)
  while (shown > 1 && parts.slice(0, shown).join('; ').length > LONGEST) shown -= 1
  // "And 1 more change" says less than the change itself, if there is room for it.
  const more = parts.length - shown
  const rest = more === 0 ? [] : [`and ${more} more ${more === 1 ? 'change' : 'changes'}`]
  return sentence([...parts.slice(0, shown), ...rest].join('; '))
}

function firstSentence(entity: Entity, version: HeldVersion, change: Change, company: CompanyWords): string {
  if (change === 'created') return enteredSentence(entity, version, company)
  const { sourceCreatedAt } = version
  return sourceCreatedAt === null
    ? 'First seen'
    : `First seen; entered in QuickBooks on ${dayWords(company.dayOf(sourceCreatedAt))}`
}

function enteredSentence(entity: Entity, version: HeldVersion, company: CompanyWords): string {
  const content = version.content as unknown as Readonly<Record<string, string | null | undefined>>
  const code = foreignCode(version, company)
  const due = content['dueDate'] ? `, due ${dayWords(content['dueDate'])}` : ''
  const amount = amountWords(content['totalAmount'] ?? '0', code)
  switch (entity) {
    case 'bill':
      return `Entered: ${amount}${content['vendorName'] ? ` from ${textWords(content['vendorName'])}` : ''}${due}`
    case 'invoice':
      return `Entered: ${amount}${content['customerName'] ? ` to ${textWords(content['customerName'])}` : ''}${due}`
    case 'balance':
      return content['currentBalance']
        ? `Account opened with a balance of ${amountWords(content['currentBalance'], code)}`
        : 'Account opened'
    case 'vendor':
      return 'Vendor added'
    case 'customer':
      return 'Customer added'
  }
}

/** The currency code if it is not the company's own; if that is unknown, only an exchange rate tells. */
function foreignCode({ content }: HeldVersion, { homeCurrency }: CompanyWords): string | null {
  const { currency, exchangeRate } = content as { currency: string | null; exchangeRate?: string | null }
  if (homeCurrency !== null) return currency === homeCurrency ? null : currency
  return exchangeRate === null || exchangeRate === undefined || Number(exchangeRate) === 1 ? null : currency
}
