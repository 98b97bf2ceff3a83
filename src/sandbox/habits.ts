import type { Random } from './random.ts'

/** What a small firm spends of what it sells: on goods and services, wages, rent. What is left stays in the bank. */
export const SHARES = { bought: 0.45, wages: 0.33, rent: 0.07 } as const
export const WAGES_EVERY_DAYS = 14
export const RENT_EVERY_DAYS = 30

/** Days from a bill to its payment; null: it is disputed, and stays. */
export function daysToPayBill(termsDays: number, random: Random): number | null {
  if (random.chance(0.004)) return null
  if (random.chance(0.08)) return termsDays + random.integer(4, 25)
  return Math.max(0, termsDays + random.integer(-4, 2))
}

/** Days from an invoice to its payment, by the habit of its customer; null: it is never paid. */
export function daysToBePaid(termsDays: number, customerId: number, random: Random): number | null {
  switch (habitOf(customerId)) {
    case 'prompt':
      return Math.max(0, termsDays + random.integer(-8, 4))
    case 'late':
      return termsDays + random.integer(5, 32)
    case 'bad':
      return random.chance(0.03) ? null : termsDays + random.integer(25, 100)
  }
}

/** Of a hundred customers in a row seventy are prompt, twenty-two late and eight bad, mixed. */
function habitOf(customerId: number): 'prompt' | 'late' | 'bad' {
  const place = (customerId * 37) % 100
  if (place < 70) return 'prompt'
  return place < 92 ? 'late' : 'bad'
}
