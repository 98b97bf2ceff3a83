import { isJsonArray, isJsonObject, type Json } from '../../domain/parse-json.ts'
import { changeWords } from './change-words.ts'
import { compareDecimals, subtract } from './decimals.ts'
import type { Difference } from './diff.ts'
import { LINE_WORDS } from './field-words.ts'
import { amountWords, textWords } from './plain-words.ts'
import { elementAt, leafText, referenceText, take, type Telling } from './telling.ts'

interface LineChange {
  /** `line 2` */
  readonly name: string
  readonly before: Json | undefined
  readonly after: Json | undefined
  readonly differences: readonly Difference[]
}

/** What happened to the lines: moved to another account, changed, added, removed. */
export function tellLines(telling: Telling, code: string | null): string[] {
  const differences = take(telling, ['lines'])
  const lines = changedLines(telling, differences).filter((line) => !isSubtotal(line.before ?? line.after))
  const [only, ...others] = lines.filter(hasOtherAmount)
  const isTotalsOwn = only !== undefined && others.length === 0 && isWholeChange(telling, only)
  const told = lines.flatMap((line) => tellLine(line, { code, omitAmount: isTotalsOwn && line === only }))
  if (told.length > 0 || only !== undefined) return told
  const isSorted = differences.some(({ steps }) => steps.length === 1 || steps.at(-1) === 'LineNum')
  return isSorted ? ['lines put in another order'] : []
}

function changedLines({ before, after }: Telling, differences: readonly Difference[]): LineChange[] {
  const bySelector = Map.groupBy(
    differences.filter(({ steps }) => steps.length > 1),
    ({ steps }) => steps[1]!,
  )
  const [was, is] = [before['lines'], after['lines']]
  return [...bySelector].map(([selector, own]) => {
    const whole = own.find(({ steps }) => steps.length === 2)
    const list = whole !== undefined && whole.before === undefined ? is : was
    const line = isJsonArray(list) ? elementAt(list, selector) : undefined
    return {
      name: `line ${numberOf(line, isJsonArray(list) ? list : [])}`,
      before: whole ? whole.before : line,
      after: whole ? whole.after : line,
      differences: own,
    }
  })
}

/** The number that QuickBooks shows beside it, else its position. */
function numberOf(line: Json | undefined, list: readonly Json[]): string {
  const number = isJsonObject(line) ? leafText(line['LineNum']) : null
  return number ?? String((line === undefined ? 0 : list.indexOf(line)) + 1)
}

function tellLine(
  { name, before, after, differences }: LineChange,
  { code, omitAmount }: { code: string | null; omitAmount: boolean },
): string[] {
  if (before === undefined) return [`${name} added${inBrackets(after, code)}`]
  if (after === undefined) return [`${name} removed${inBrackets(before, code)}`]
  const byField = Map.groupBy(differences, ({ steps }) => fieldOf(steps.slice(2)))
  const told = [...byField].flatMap(([field, own]) =>
    field === 'LineNum' || (field === 'Amount' && omitAmount)
      ? []
      : [tellField(name, { field, own, line: before, code })],
  )
  return [...new Set(told)]
}

function tellField(
  name: string,
  {
    field,
    own,
    line,
    code,
  }: { field: string; own: readonly Difference[]; line: Json | undefined; code: string | null },
): string {
  const known = LINE_WORDS[field]
  const [was, is] = sidesOf(own, field, line)
  if (field === 'AccountRef' && was !== undefined && is !== undefined) {
    return `${name} moved from ${textWords(referenceText(was) ?? '')} to ${textWords(referenceText(is) ?? '')}`
  }
  if (field === 'AccountRef') return changeWords({ words: `account of ${name}`, kind: 'name' }, was, is, code)
  if (!known) return `another detail of ${name} changed`
  if (field === 'Amount') return changeWords({ words: name, kind: known.kind }, was, is, code)
  if (typeof known.kind === 'object') return `${name} ${changeWords(known, was, is, code)}`
  return changeWords({ words: `${known.words} of ${name}`, kind: known.kind }, was, is, code)
}

/** The field to describe: the last step that has words, so that a reference counts as one field. */
function fieldOf(steps: readonly string[]): string {
  return steps.findLast((step) => step in LINE_WORDS || step === 'AccountRef' || step === 'LineNum') ?? ''
}

/** A field's value on both sides; a reference is put together if only its parts are listed as different. */
function sidesOf(
  own: readonly Difference[],
  field: string,
  line: Json | undefined,
): [before: Json | undefined, after: Json | undefined] {
  const whole = own.find(({ steps }) => steps.at(-1) === field)
  if (whole) return [whole.before, whole.after]
  const common = isJsonObject(line) ? referenceIn(line, own[0]?.steps.slice(2, -1) ?? []) : {}
  const side = (of: 'before' | 'after') => {
    const changed = own.flatMap((difference): [string, Json][] => {
      const value = difference[of]
      return value === undefined ? [] : [[difference.steps.at(-1)!, value]]
    })
    return { ...common, ...Object.fromEntries(changed) }
  }
  return [side('before'), side('after')]
}

/** The parts of a reference that did not change; an unchanged name does not say what changed. */
function referenceIn(line: Json, steps: readonly string[]): Record<string, Json> {
  const value = steps.reduce<Json | undefined>((at, step) => (isJsonObject(at) ? at[step] : undefined), line)
  return isJsonObject(value) && 'value' in value ? { value: value['value'] } : {}
}

function inBrackets(line: Json | undefined, code: string | null): string {
  if (!isJsonObject(line)) return ''
  const details = Object.entries(line).find(([key]) => key.endsWith('Detail'))?.[1]
  const what = isJsonObject(details)
    ? referenceText(details['AccountRef'] ?? details['ItemRef'] ?? null)
    : null
  const description = leafText(line['Description'])
  const amount = leafText(line['Amount'])
  const parts = [
    what ?? (description === null ? null : `“${textWords(description)}”`),
    amount === null ? null : amountWords(amount, code),
  ].filter((part) => part !== null && part !== '')
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

/** A subtotal is the sum of the lines above it. */
function isSubtotal(line: Json | undefined): boolean {
  return isJsonObject(line) && line['DetailType'] === 'SubTotalLineDetail'
}

function hasOtherAmount({ before, after, differences }: LineChange): boolean {
  return before === undefined || after === undefined || differences.some(isAmount)
}

function isAmount({ steps }: Difference): boolean {
  return steps.length === 3 && steps[2] === 'Amount'
}

/** True when the line's amount moved by as much as the total: mentioning both would say one thing twice. */
function isWholeChange({ before, after }: Telling, line: LineChange): boolean {
  const amount = line.differences.find(isAmount)
  const [was, is] = [leafText(amount?.before), leafText(amount?.after)]
  const [total, newTotal] = [leafText(before['totalAmount']), leafText(after['totalAmount'])]
  if (was === null || is === null || total === null || newTotal === null) return false
  return compareDecimals(subtract(is, was), subtract(newTotal, total)) === 0
}
