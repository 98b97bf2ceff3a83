import { CHANGES } from '../../books/versions/change-of.ts'
import { changed, type Address } from '../address.ts'
import { ENTITY_WORDS, SHOWN_ENTITIES } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import { WORDS } from '../parts/change-mark.ts'
import { choiceField, filterForm, textField } from '../parts/forms.ts'

/** Spans back from now, as the address names them. */
export const WITHIN = {
  hour: { words: 'the last hour', hours: 1 },
  day: { words: 'the last 24 hours', hours: 24 },
  week: { words: 'the last 7 days', hours: 7 * 24 },
  month: { words: 'the last 30 days', hours: 30 * 24 },
} as const

const NAMES = ['entity', 'change', 'counterparty', 'minAmount', 'within', 'since', 'until', 'run']

export function changeFilters(address: Address, csv: string): Markup {
  const { query } = address
  return filterForm(
    address,
    NAMES,
    html`
      ${choiceField(address, 'entity', 'Of', [
        ['', 'everything'],
        ...SHOWN_ENTITIES.map((entity) => [entity, ENTITY_WORDS[entity].many.toLowerCase()] as const),
      ])}
      ${choiceField(address, 'change', 'Kind', [
        ['', 'any'],
        ...CHANGES.map((change) => [change, WORDS[change].word.toLowerCase()] as const),
      ])}
      ${textField(address, 'counterparty', 'Vendor or customer')}
      ${textField(address, 'minAmount', 'Amount from', { type: 'number', size: 8 })}
      ${choiceField(address, 'within', 'Seen within', [
        ['', 'all time'],
        ...Object.entries(WITHIN).map(([name, { words }]) => [name, words] as const),
      ])}
      ${['since', 'until', 'run'].map(
        (name) =>
          (query.get(name) ?? '') !== '' &&
          html`<input type="hidden" name="${name}" value="${query.get(name)}" /><a
              class="chip"
              href="${changed(address, { [name]: null })}"
              title="Take this filter out"
              >${name} ${query.get(name)} ×</a
            >`,
      )}
    `,
    html`<a class="button push" href="${csv}">CSV</a>`,
  )
}
