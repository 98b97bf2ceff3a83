import { amountWords } from '../../books/versions/plain-words.ts'
import { html, type Markup } from '../html.ts'

/** An amount with its currency; `0.00` is quiet, so that what is owed stands out. */
export function money(amount: string | null, currency: string | null): Markup {
  if (amount === null) return html`<span class="quiet">–</span>`
  const isNothing = /^-?0(\.0*)?$/.test(amount)
  return html`<span class="money ${isNothing && 'quiet'}"
    >${amountText(amount, currency)}${currency !== null && html` <small>${currency}</small>`}</span
  >`
}

/** With a true minus sign, which is as wide as a digit. */
export function amountText(amount: string, currency: string | null): string {
  const text = amountWords(amount, currency)
  const bare = currency === null ? text : text.slice(currency.length + 1)
  return bare.replace('-', '−')
}
