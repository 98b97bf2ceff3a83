import type { Knex } from 'knex'
import type { Clock } from './clock.ts'

/** A transaction under way: every row it writes shares one `now`. */
export interface Tx {
  readonly trx: Knex.Transaction
  readonly now: Date
}

export interface Database {
  readonly knex: Knex
  readonly clock: Clock
  /** Runs `work` in one transaction: commits when it resolves, rolls back when it throws. */
  transaction<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>
}

export function createDatabase(knex: Knex, clock: Clock): Database {
  return {
    knex,
    clock,
    transaction: (work) => knex.transaction((trx) => work({ trx, now: clock.now() })),
  }
}

/** Runs one statement and gives its rows. */
export async function rowsOf<Row>(
  on: Knex | Knex.Transaction,
  sql: string,
  bindings: Knex.RawBinding[] | Record<string, Knex.RawBinding> = {},
): Promise<Row[]> {
  const result = await on.raw<{ rows: Row[] }>(sql, bindings)
  return result.rows
}
