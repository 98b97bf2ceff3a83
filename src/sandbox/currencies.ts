import type { RateMicros } from './money.ts'
import type { Ref } from './wire.ts'

/** Names as QuickBooks writes them, and a middling worth in US dollars, times a million. */
const CURRENCIES: Record<string, { name: string; usdMicros: number }> = {
  USD: { name: 'United States Dollar', usdMicros: 1_000_000 },
  EUR: { name: 'Euro', usdMicros: 1_083_200 },
  GBP: { name: 'British Pound Sterling', usdMicros: 1_271_500 },
  CAD: { name: 'Canadian Dollar', usdMicros: 731_400 },
  AUD: { name: 'Australian Dollar', usdMicros: 652_300 },
  CHF: { name: 'Swiss Franc', usdMicros: 1_132_900 },
}

export function currencyRef(currency: string): Ref {
  return { value: currency, name: CURRENCIES[currency]?.name ?? currency }
}

/** Home units per foreign unit; 1 for a currency it does not know. */
export function usualRate(foreign: string, home: string): RateMicros {
  const from = CURRENCIES[foreign]?.usdMicros ?? 1_000_000
  const to = CURRENCIES[home]?.usdMicros ?? 1_000_000
  return Math.round((from * 1_000_000) / to)
}
