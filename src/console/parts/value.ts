import type { PlainJson } from '../../books/versions/payload-content.ts'
import { html, type Child } from '../html.ts'

/** A value of a record as one reads it: a reference by its name, anything larger as JSON. */
export function valueText(value: PlainJson): Child {
  if (value === null || value === '') return html`<span class="quiet">–</span>`
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const name = nameOf(value)
  return name ?? html`<code class="value-json">${JSON.stringify(value, null, 1)}</code>`
}

function nameOf(value: PlainJson): string | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null
  const { name, value: id, id: key } = value
  const known = Object.keys(value).every((member) => ['name', 'value', 'id'].includes(member))
  if (!known) return null
  if (typeof name === 'string') return name
  const given = id ?? key
  return typeof given === 'string' ? `#${given}` : null
}
