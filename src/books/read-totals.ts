import { rowsOf } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { narrow, type Filters } from './list-filters.ts'
import { rowsAt } from './moment.ts'
import { PARTIES } from './record-row.ts'
import type { Standing } from './standing.ts'
import type { Database } from '../db/database.ts'

/** What a list holds in one currency; null: it has no amounts. */
export interface Total {
  readonly currency: string | null
  readonly count: number
  /** Of documents. */
  readonly totalAmount: string | null
  /** Still owed; of accounts, what they hold. */
  readonly balance: string | null
}

/** The sums of a whole list, whatever page of it is shown: one entry a currency, never added together. */
export async function readTotals(
  { knex }: Database,
  { realmId, entity, moment, today }: Pick<Standing, 'realmId' | 'entity' | 'moment' | 'today'>,
  filters: Filters,
): Promise<Total[]> {
  const { conditions, bindings, needsParty } = narrow(entity, filters)
  const party = needsParty ? PARTIES[entity] : null
  const { total, balance } = AMOUNTS[entity]
  return rowsOf<Total>(
    knex,
    `SELECT d.currency, CAST(count(*) AS integer) AS count, CAST(sum(${total}) AS text) AS "totalAmount",
            CAST(sum(${balance}) AS text) AS balance
       FROM ${rowsAt(entity, moment)} d
       ${party ? `LEFT JOIN ${rowsAt(party.entity, moment)} p ON p.realm_id = :realmId AND p.qbo_id = d.${party.id}` : ''}
      WHERE ${['d.realm_id = :realmId', ...conditions].join(' AND ')}
      GROUP BY d.currency
      ORDER BY count(*) DESC, d.currency`,
    { ...bindings, ...moment, realmId, today },
  )
}

const NOTHING = 'CAST(NULL AS numeric)'

const AMOUNTS: { readonly [Of in Entity]: { readonly total: string; readonly balance: string } } = {
  bill: { total: 'd.total_amount', balance: 'd.balance' },
  invoice: { total: 'd.total_amount', balance: 'd.balance' },
  // Assets and debts in one sum would say nothing.
  balance: { total: NOTHING, balance: NOTHING },
  vendor: { total: NOTHING, balance: NOTHING },
  customer: { total: NOTHING, balance: NOTHING },
}
