import { isJsonObject, type Json } from '../../domain/parse-json.ts'
import { amountWords, dayWords, numberWords, splitWords, textWords } from './plain-words.ts'
import { leafText, referenceText } from './telling.ts'

/**
 * How a change of a value is described.
 * - `name`: a short value or a reference, as it is. `text`: somebody's words, quoted. `word`: one of QuickBooks'
 * - `day`, `amount`, `number`
 * - `whole`: only that it changed: an address, or what is too private for a sentence
 * - `turns`: two sentences, for what is on or off. `states`: a sentence for each of QuickBooks' words
 */
export type Kind =
  | 'name'
  | 'text'
  | 'word'
  | 'day'
  | 'amount'
  | 'number'
  | 'whole'
  | { readonly turns: readonly [on: string, off: string] }
  | { readonly states: Readonly<Record<string, string>> }

/** A part of a sentence about one value; in lower case, since it may come anywhere. `code`: of a foreign currency. */
export function changeWords(
  { words, kind }: { readonly words: string; readonly kind: Kind },
  before: Json | undefined,
  after: Json | undefined,
  code: string | null,
): string {
  if (typeof kind === 'object') {
    if ('turns' in kind) return kind.turns[isOn(after) ? 0 : 1]
    const state = leafText(after) ?? ''
    return kind.states[state] ?? `${words} is now ${splitWords(state) || 'not set'}`
  }
  const [was, is] = [valueWords(kind, before, code), valueWords(kind, after, code)]
  if (kind === 'whole' || was === is) {
    return `${words} ${isAbsent(before) ? 'added' : isAbsent(after) ? 'removed' : 'changed'}`
  }
  if (was === null) return `${words} set to ${is}`
  if (is === null) return `${words} removed (${was})`
  if (kind === 'amount' || kind === 'number') return `${words} ${was} → ${is}`
  return `${words} ${kind === 'day' ? 'moved' : 'changed'} from ${was} to ${is}`
}

function valueWords(
  kind: Exclude<Kind, object>,
  value: Json | undefined,
  code: string | null,
): string | null {
  const text = referenceText(value)
  if (text === null || text === '') return null
  switch (kind) {
    case 'name':
      return textWords(text)
    case 'text':
      return `“${textWords(text)}”`
    case 'word':
      return splitWords(text)
    case 'day':
      return dayWords(text)
    case 'amount':
      return amountWords(text, code)
    case 'number':
      return numberWords(text)
    case 'whole':
      return null
  }
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '' || (isJsonObject(value) && isHollow(value))
}

function isHollow(value: object): boolean {
  return Object.values(value).every((inner) => inner === null || inner === '')
}

function isOn(value: Json | undefined): boolean {
  return value === true || value === 'true'
}
