import { normalDecimal } from '../../domain/money.ts'

/** How amounts, days and texts are written for people. */

const USUAL_DECIMALS = 2

/**
 * `1,250.00`, with the code in front where there is one (`EUR 1,250.00`): thousands separated, as many decimals as the
 * currency has, or more if the amount has more.
 */
export function amountWords(amount: string, code: string | null = null): string {
  const [whole = '0', fraction = ''] = (normalDecimal(amount) ?? amount).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  const decimals = fraction.padEnd(decimalsOf(code), '0')
  return `${code === null ? '' : `${code} `}${grouped}${decimals === '' ? '' : `.${decimals}`}`
}

/** A rate or a quantity: `1.0832`, `1,200`, with just the decimals it has. */
export function numberWords(number: string): string {
  const [whole = '0', fraction = ''] = (normalDecimal(number) ?? number).split('.')
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + (fraction === '' ? '' : `.${fraction}`)
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** `3 March 2026` for `2026-03-03`; any other text is returned as it is. */
export function dayWords(day: string): string {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day) ?? []
  const name = MONTHS[Number(month) - 1]
  return name === undefined ? day : `${Number(date)} ${name} ${year}`
}

// Enough to recognise a memo without drowning the sentence.
const LONGEST_TEXT = 60

/** A user's text, on one line and short enough for a sentence. */
export function textWords(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length <= LONGEST_TEXT ? line : `${[...line].slice(0, LONGEST_TEXT - 1).join('')}…`
}

/** `credit memo` for `CreditMemo`: QuickBooks' term as plain words. */
export function splitWords(name: string): string {
  return name.replace(/(?<=[a-z\d])(?=[A-Z])/g, ' ').toLowerCase()
}

/** The same sentence with a capital first letter. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function decimalsOf(code: string | null): number {
  if (code === null) return USUAL_DECIMALS
  try {
    const { maximumFractionDigits } = new Intl.NumberFormat('en', {
      style: 'currency',
      currency: code,
    }).resolvedOptions()
    return maximumFractionDigits ?? USUAL_DECIMALS
  } catch {
    return USUAL_DECIMALS
  }
}
