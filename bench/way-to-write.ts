import type { Version } from '../src/domain/change.ts'
import type { BenchDatabase } from './bench-postgres.ts'

/** One way to bring versions into a table. */
export interface Way {
  readonly name: string
  readonly table: string
  /** Fewer than the others; absent: as many as they. */
  readonly rows?: number
  /** Makes ready what is not measured. Returns the measured work. */
  open(database: BenchDatabase): Promise<(versions: readonly Version[]) => Promise<void>>
}

/** The columns, key and index of `bills` without its triggers: no version is kept, nothing is guarded. */
export async function makePlainTable({ knex }: BenchDatabase, table: string): Promise<void> {
  await knex.raw(`
    CREATE TABLE ${table} (LIKE bills);
    ALTER TABLE ${table} ADD PRIMARY KEY (realm_id, qbo_id),
      ALTER valid_from SET DEFAULT clock_timestamp(), ALTER tx_id SET DEFAULT pg_current_xact_id();
    CREATE INDEX ON ${table} (realm_id, due_date) WHERE balance <> 0 AND deleted_at IS NULL;
  `)
}
