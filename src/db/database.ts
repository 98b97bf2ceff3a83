import { hash } from 'node:crypto'
import type { Knex } from 'knex'
import type { Clock } from './clock.ts'

/**
 * A transaction under way: every row it writes shares one `now`.
 *
 * Rows are locked in this order, so that no two transactions wait for each other: a run's row of `sync_runs` by the run
 * itself (FOR SHARE), `companies`, `connections`, `sync_runs`, what belongs to one company, jobs, `service_state`. The
 * tick skips locked companies (SKIP LOCKED); jobs for several companies are queued in order of realm id.
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

/** Runs one statement and returns its rows. */
export async function rowsOf<Row>(
  on: Knex | Knex.Transaction,
  sql: string,
  bindings: Knex.RawBinding[] | Record<string, Knex.RawBinding> = {},
): Promise<Row[]> {
  const result = await on.raw<{ rows: Row[] }>(sql, bindings)
  return result.rows
}

/**
 * Runs a statement that sync runs repeat, and returns its rows: each connection parses and plans it once. A connection
 * keeps what it has prepared, so `sql` must be one of few texts, and one plan must suit every company. Otherwise use
 * `rowsOf`, which plans for the values at hand.
 */
export async function rowsOfPrepared<Row>(
  on: Knex | Knex.Transaction,
  sql: string,
  bindings: Knex.RawBinding[] | Record<string, Knex.RawBinding> = {},
): Promise<Row[]> {
  // Both sides know a prepared statement by its name, so the same text must get the same name.
  const result = await on.raw<{ rows: Row[] }>(sql, bindings).options({ name: hash('sha1', sql) })
  return result.rows
}
