import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../domain/parse-json.ts'
import { isVoided, settlementOf } from './change-of.ts'
import { compareDecimals, withoutSign } from './decimals.ts'
import { canonicalText } from './payload-content.ts'
import { amountWords, splitWords } from './plain-words.ts'
import { leafText, take, valueAt, type Telling } from './telling.ts'

/** For a bill or an invoice: what was paid, credited or taken back, and which transactions it is linked to. */
export function tellPayments(telling: Telling, code: string | null): string[] {
  const links = changedLinks(telling)
  take(telling, ['details', 'LinkedTxn'])
  take(telling, ['balance'])
  const settling = (link: Link) => !ORDERS.has(link.type)
  const [came, gone] = [links.came.filter(settling), links.gone.filter(settling)]
  const isVoid = isVoided(telling.pair.before) || isVoided(telling.pair.after)
  return [
    ...takenBack(gone),
    ...(isVoid ? [] : settled(telling, { came, gone, code })),
    ...links.came.filter((link) => !settling(link)).map((link) => `linked to ${linkWords(link)}`),
    ...links.gone.filter((link) => !settling(link)).map((link) => `link to ${linkWords(link)} removed`),
  ]
}

interface Link {
  readonly id: string
  readonly type: string
}

function settled(
  { pair, after }: Telling,
  { came, gone, code }: { came: readonly Link[]; gone: readonly Link[]; code: string | null },
): string[] {
  const settlement = settlementOf(pair.before, pair.after)
  const grown = compareDecimals(settlement.more, '0')
  const amount = (decimal: string) => amountWords(withoutSign(decimal), code)
  const open = amount(leafText(after['balance']) ?? '0')
  if (grown === 0) return came.map((link) => `${linkWords(link)} applied`)
  if (grown < 0) {
    return gone.length > 0 ? [`${open} open again`] : [`paid ${amount(settlement.more)} less, ${open} open`]
  }
  const isCredit = came.length > 0 && came.every(({ type }) => CREDITS.has(type))
  const verb = isCredit ? 'credited' : 'paid'
  const total = amount(leafText(after['totalAmount']) ?? '0')
  const more = amount(settlement.more)
  const isFirst = compareDecimals(settlement.before, '0') === 0
  if (settlement.isWhole) return [isFirst ? `${verb} in full, ${total}` : `${verb} ${more} more, now in full`]
  return [
    isFirst
      ? `${verb} ${more} of ${total}`
      : `${verb} ${more} more, ${amount(settlement.after)} of ${total} in all`,
  ]
}

function takenBack(gone: readonly Link[]): string[] {
  return gone.map((link) => `${linkWords(link)} taken back`)
}

function changedLinks({ before, after }: Telling): { came: Link[]; gone: Link[] } {
  const [was, is] = [linksOf(before), linksOf(after)]
  const only = (of: ReadonlyMap<string, Link>, not: ReadonlyMap<string, Link>) =>
    [...of].filter(([text]) => !not.has(text)).map(([, link]) => link)
  return { came: only(is, was), gone: only(was, is) }
}

function linksOf(tree: JsonObject): Map<string, Link> {
  const list: Json | undefined = valueAt(tree, ['details', 'LinkedTxn'])
  const elements = isJsonArray(list) ? list.filter(isJsonObject) : []
  return new Map(
    elements.map((element) => [
      canonicalText(element),
      { id: leafText(element['TxnId']) ?? '', type: leafText(element['TxnType']) ?? '' },
    ]),
  )
}

// Where a bill or an invoice came from: these settle nothing.
const ORDERS: ReadonlySet<string> = new Set([
  'PurchaseOrder',
  'SalesOrder',
  'Estimate',
  'ReimburseCharge',
  'StatementCharge',
  'ChargeCredit',
  'TimeActivity',
  'ItemReceipt',
])

const CREDITS: ReadonlySet<string> = new Set(['CreditMemo', 'VendorCredit'])

// A bill's payment is called BillPaymentCheck even where a credit card paid.
function linkWords({ id, type }: Link): string {
  const word = type.startsWith('BillPayment') ? 'payment' : splitWords(type) || 'transaction'
  return `${word} ${id}`.trim()
}
