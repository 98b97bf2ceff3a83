import type { PlainJson } from '../../books/versions/payload-content.ts'
import { dayWords, numberWords } from '../../books/versions/plain-words.ts'
import { isAmount } from '../../books/versions/path-words.ts'
import { html, type Child } from '../html.ts'
import { amountText } from './money.ts'

/** A value of a record as one reads it, by its path: a reference by its name, anything larger as JSON. */
export function valueText(value: PlainJson, steps: readonly string[]): Child {
  if (value === null || value === '') return html`<span class="quiet">–</span>`
  if (typeof value === 'string') return isAmount(steps) ? amountText(value, null) : wordsOf(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const name = nameOf(value) ?? listOf(value)
  return name ?? html`<code class="value-json">${JSON.stringify(value, null, 1)}</code>`
}

function wordsOf(text: string): string {
  return DECIMAL.test(text) ? numberWords(text) : dayWords(text)
}

const DECIMAL = /^-?\d+\.\d+$/

/** A list of small things, such as linked transactions: `Payment 923, Payment 925`. */
function listOf(value: PlainJson): string | null {
  if (!Array.isArray(value)) return null
  const items = value.map((item) => (isSmall(item) ? Object.values(item).reverse().join(' ') : item))
  return items.every((item) => typeof item === 'string') ? items.join(', ') : null
}

function isSmall(value: PlainJson): value is Record<string, string> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false
  const members = Object.values(value)
  return members.length <= MOST_MEMBERS && members.every((member) => typeof member === 'string')
}

const MOST_MEMBERS = 3

function nameOf(value: PlainJson): string | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  const { name, value: id, id: key } = value
  const known = Object.keys(value).every((member) => ['name', 'value', 'id'].includes(member))
  if (!known) return null
  if (typeof name === 'string') return name
  const given = id ?? key
  return typeof given === 'string' ? `#${given}` : null
}
