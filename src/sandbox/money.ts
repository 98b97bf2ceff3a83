import { isNumberToken, numberToken } from './json.ts'
import type { NumberToken } from './json.ts'

/** Home units per foreign unit times a million, which is more digits than QuickBooks shows. */
export type RateMicros = number

const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,2})0*)?$/
const RATE = /^(\d+)(?:\.(\d{1,6}))?$/

/** Minor units of a decimal text such as `88.2`. Throws when it is no amount of at most two decimals. */
export function minorOf(amount: string): number {
  const match = AMOUNT.exec(amount)
  const minor = match ? Number(`${match[2]}${(match[3] ?? '').padEnd(2, '0')}`) : NaN
  if (!Number.isSafeInteger(minor)) throw new Error(`"${amount}" is no amount of money`)
  return match?.[1] && minor !== 0 ? -minor : minor
}

/** Minor units of an amount inside a record. */
export function minorOfToken(token: unknown): number {
  if (isNumberToken(token)) return minorOf(token.rawJSON)
  if (typeof token === 'number') return minorOf(String(token))
  throw new Error(`${JSON.stringify(token)} is no amount of money`)
}

/** QuickBooks' spelling: `315.0`, `0`, `88.2`, `-370.94`. */
export function amountText(minor: number): string {
  if (minor === 0) return '0'
  const digits = String(Math.abs(minor)).padStart(3, '0')
  const decimals = digits.slice(-2).replace(/0$/, '')
  return `${minor < 0 ? '-' : ''}${digits.slice(0, -2)}.${decimals}`
}

export function amount(minor: number): NumberToken {
  return numberToken(amountText(minor))
}

/** Throws when the text is no positive rate of at most six decimals. */
export function rateOf(text: string): RateMicros {
  const match = RATE.exec(text)
  const micros = match ? Number(`${match[1]}${(match[2] ?? '').padEnd(6, '0')}`) : 0
  if (micros <= 0) throw new Error(`"${text}" is no exchange rate`)
  return micros
}

export function rateToken(rate: RateMicros): NumberToken {
  const digits = String(rate).padStart(7, '0')
  const decimals = digits.slice(-6).replace(/0+$/, '')
  return numberToken(`${digits.slice(0, -6)}${decimals ? `.${decimals}` : ''}`)
}

/** Minor units in the home currency, halves away from zero; whole numbers all the way. */
export function convert(minor: number, rate: RateMicros): number {
  const million = 1_000_000n
  const scaled = BigInt(Math.abs(minor)) * BigInt(rate)
  const home = Number((scaled + million / 2n) / million)
  return minor < 0 ? -home : home
}
