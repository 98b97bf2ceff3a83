import { balanceOn, daysAfter, lastDays, readHeldByDay, type DayHeld, type Step } from './balance-series.ts'
import { NOW } from './moment.ts'
import { readStanding, type BooksOptions } from './standing.ts'
import { add } from './versions/decimals.ts'

export interface CashSeries {
  readonly days: readonly string[]
  /** One line a currency; null before the first account of it was held. */
  readonly lines: readonly {
    readonly currency: string | null
    readonly amounts: readonly (string | null)[]
  }[]
}

/**
 * What a company's bank accounts held together at the end of each step, by its own days and in each currency for
 * itself.
 *
 * @param to the last day; null: today.
 * @throws LedgerError `not_found`, `never_synced`.
 */
export async function readCashSeries(
  options: BooksOptions,
  { realmId, to, days, step }: { realmId: string; to: string | null; days: number; step: Step },
): Promise<CashSeries> {
  const { today } = await readStanding(options, { realmId, entity: 'balance', moment: NOW, pinned: null })
  const last = to === null || to > today ? today : to
  const points = lastDays(daysAfter(last, -days), last, step)
  const held = await readHeldByDay(options.database.knex, realmId, { accountType: 'Bank' })
  const currencies = [...new Set(held.map(({ currency }) => currency))]
  return {
    days: points,
    lines: currencies.map((currency) => {
      const accounts = Map.groupBy(
        held.filter((row) => row.currency === currency),
        ({ qboId }) => qboId,
      )
      return { currency, amounts: points.map((day) => sumOn(day, [...accounts.values()])) }
    }),
  }
}

function sumOn(day: string, accounts: readonly (readonly DayHeld[])[]): string | null {
  return accounts
    .map((held) => balanceOn(day, held))
    .reduce<string | null>((sum, balance) => (balance === null ? sum : add(sum ?? '0', balance)), null)
}
