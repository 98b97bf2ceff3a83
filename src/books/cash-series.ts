import { rowsOf } from '../db/database.ts'
import { add } from './versions/decimals.ts'
import { lastDays, type Step } from './balance-series.ts'
import { readStanding, type BooksOptions } from './standing.ts'
import { NOW } from './moment.ts'

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
  const points = lastDays(daysBefore(last, days), last, step)
  const held = await rowsOf<HeldOnDay>(options.database.knex, HELD, { realmId })
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

/** An account as it was held at the end of a day on which it changed. */
interface HeldOnDay {
  readonly qboId: string
  readonly currency: string | null
  readonly day: string
  readonly balance: string | null
}

function sumOn(day: string, accounts: readonly (readonly HeldOnDay[])[]): string | null {
  return accounts
    .map((held) => held.findLast((row) => row.day <= day)?.balance ?? null)
    .reduce<string | null>((sum, balance) => (balance === null ? sum : add(sum ?? '0', balance)), null)
}

function daysBefore(day: string, days: number): string {
  const date = new Date(day)
  date.setUTCDate(date.getUTCDate() - days)
  return date.toISOString().slice(0, day.length)
}

const HELD = `
  SELECT DISTINCT ON (changed.qbo_id, changed.day) changed.qbo_id AS "qboId", changed.currency,
         CAST(changed.day AS text) AS day, CAST(changed.balance AS text) AS balance
    FROM (SELECT v.qbo_id, v.currency, company_date(v.valid_from, c.time_zone) AS day, v.valid_from,
                 CASE WHEN v.deleted_at IS NULL THEN v.current_balance END AS balance
            FROM balances_versions v
            JOIN companies c ON c.realm_id = v.realm_id
           WHERE v.realm_id = :realmId AND v.account_type = 'Bank') AS changed
   ORDER BY changed.qbo_id, changed.day, changed.valid_from DESC`
