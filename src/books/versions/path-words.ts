import { FIELD_WORDS, LINE_WORDS } from './field-words.ts'
import { sentence, splitWords } from './plain-words.ts'

const MEMBER_WORDS: Readonly<Record<string, string>> = {
  totalAmount: 'total',
  balance: 'open balance',
  homeBalance: 'open balance in home currency',
  homeTotalAmount: 'total in home currency',
  vendor: 'vendor',
  customer: 'customer',
  status: 'status',
  deletedAt: 'deleted',
  displayName: 'name',
  accountName: 'name',
  fullyQualifiedName: 'full name',
  currentBalanceWithSubAccounts: 'balance with sub-accounts',
  parentId: 'parent',
}

const LISTS: Readonly<Record<string, string>> = {
  lines: 'Line',
  LinkedTxn: 'Linked transaction',
  CustomField: 'Custom field',
}

/** A path of a difference in a bookkeeper's words: `Line 2 · account`, `Due date`; QuickBooks' name for what has none. */
export function pathWords(steps: readonly string[]): string {
  const known = FIELD_WORDS.find(({ at }) => at.every((step, place) => steps[place] === step))
  if (known) return [sentence(known.words), ...restWords(steps.slice(known.at.length))].join(' · ')
  const [first = '', ...rest] = steps
  const member = MEMBER_WORDS[first]
  if (member !== undefined) return [sentence(member), ...restWords(rest)].join(' · ')
  if (first === 'lines') return elementWords(LISTS['lines']!, rest)
  return sentence(restWords(first === 'details' ? rest : steps).join(' · '))
}

/** Whether the value at a path is money. */
export function isAmount(steps: readonly string[]): boolean {
  const last = steps.at(-1) ?? ''
  if (steps.length === 1 && AMOUNTS.has(last)) return true
  if (steps[0] === 'lines') return LINE_WORDS[last]?.kind === 'amount'
  return FIELD_WORDS.some(({ at, kind }) => kind === 'amount' && at.join('.') === steps.join('.'))
}

const AMOUNTS: ReadonlySet<string> = new Set([
  'totalAmount',
  'balance',
  'homeBalance',
  'homeTotalAmount',
  'currentBalance',
  'currentBalanceWithSubAccounts',
])

function elementWords(list: string, [selector = '', ...rest]: readonly string[]): string {
  const fields = rest.filter((step) => !step.endsWith('Detail') && step !== 'value')
  return [
    `${list} ${placeOf(selector)}`.trim(),
    ...fields.map((step) => LINE_WORDS[step]?.words ?? stepWords(step)),
  ].join(' · ')
}

function restWords(steps: readonly string[]): string[] {
  const [first, ...rest] = steps
  if (first === undefined) return []
  const list = LISTS[first]
  if (list !== undefined && rest.length > 0) return [elementWords(list.toLowerCase(), rest)]
  return steps.filter((step) => step !== 'value' && step !== 'id').map(stepWords)
}

function stepWords(step: string): string {
  return step.startsWith('[') ? placeOf(step) : splitWords(step.replace(/Ref$/, ''))
}

/** The Id of an element, or its place from 1. */
function placeOf(selector: string): string {
  const name = selector.slice(1, -1)
  const [, id] = /=(.*)$/.exec(name) ?? []
  if (id !== undefined) return id
  return /^\+?\d+$/.test(name) ? String(Number(name.replace('+', '')) + 1) : name
}

/** The steps of a path as differences show it. */
export function stepsOf(path: string): string[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|(\[[^\]]*\])|([^.[\]]+)/g)].map(
    ([, quoted, selector, name]) =>
      quoted === undefined ? (selector ?? name ?? '') : (JSON.parse(`"${quoted}"`) as string),
  )
}
