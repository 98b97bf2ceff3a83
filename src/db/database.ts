import { hash } from 'node:crypto'
import type { Knex } from 'knex'
import type { Clock } from './clock.ts'

/**
 * A transaction under way: every row it writes shares one `now`.
 *
 * Rows are locked in this order, so that no two transactions wait for each other: a run's row of `sync_runs` by the run
 * itself (FOR SHARE), `companies`, `connections`, `sync_runs`, what belongs to one company, jobs, `service_state`. The
 * tick passes over companies that somebody holds (SKIP LOCKED); jobs of several are queued in the order of realm id.
 */
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

/**
 * Runs one statement that runs go through again and again, and gives its rows: each connection reads and plans it once.
 * A connection keeps what it has prepared, so `sql` is one of few texts, and it should do by one plan for every
 * company. Elsewhere `rowsOf` plans for the values at hand.
 */
export async function rowsOfPrepared<Row>(
  on: Knex | Knex.Transaction,
  sql: string,
  bindings: Knex.RawBinding[] | Record<string, Knex.RawBinding> = {},
): Promise<Row[]> {
  // Both sides know a prepared statement by its name: the same text has to have the same one.
  const result = await on.raw<{ rows: Row[] }>(sql, bindings).options({ name: hash('sha1', sql) })
  return result.rows
}
