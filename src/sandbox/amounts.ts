import { usualRate } from './currencies.ts'
import type { NumberToken } from './json.ts'
import { amount, convert, minorOfToken, rateOf, rateToken } from './money.ts'
import type { RateMicros } from './money.ts'
import type { CompanySpec } from './company-state.ts'

const ONE: RateMicros = 1_000_000

/** Home units per unit of the transaction's currency. Throws for a foreign currency in a company with one. */
export function rateFor(spec: CompanySpec, currency: string, given: string | undefined): RateMicros {
  if (currency === spec.homeCurrency) return ONE
  if (!spec.multiCurrency) throw new Error(`${spec.name} keeps its books in ${spec.homeCurrency} alone`)
  return given === undefined ? usualRate(currency, spec.homeCurrency) : rateOf(given)
}

/** ExchangeRate stands on transactions of a multi-currency company only. */
export function exchangeRateField(spec: CompanySpec, rate: RateMicros): { ExchangeRate?: NumberToken } {
  return spec.multiCurrency ? { ExchangeRate: rateToken(rate) } : {}
}

export function rateOfRecord(record: { ExchangeRate?: NumberToken }): RateMicros {
  return record.ExchangeRate ? rateOf(record.ExchangeRate.rawJSON) : ONE
}

export interface OpenItem {
  TotalAmt: NumberToken
  Balance: NumberToken
  HomeBalance?: NumberToken
  ExchangeRate?: NumberToken
}

/** Sets what is still open. Throws when more would be paid than the transaction amounts to. */
export function setBalance(item: OpenItem, minor: number): void {
  if (minor < 0) throw new Error(`more would be paid than ${item.TotalAmt.rawJSON}`)
  item.Balance = amount(minor)
  if (item.ExchangeRate) item.HomeBalance = amount(convert(minor, rateOfRecord(item)))
}

export function openMinor(item: OpenItem): number {
  return minorOfToken(item.Balance)
}
