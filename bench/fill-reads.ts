import type { Database } from '../src/db/database.ts'
import { vacuumAll } from './vacuum.ts'

export interface ReadsFill {
  readonly companies: number
  /** Bills and invoices, half of each. */
  readonly documentsEach: number
}

const FIRST_REALM = 4620816330000000000n

export function realmNumbered(n: number): string {
  return String(FIRST_REALM + BigInt(n))
}

const PARTIES_EACH = 100
const DOCUMENTS = [
  { table: 'bills', party: 'vendor', more: '', values: '' },
  { table: 'invoices', party: 'customer', more: ', voided', values: ', false' },
] as const

/**
 * Companies whose documents came over a year, an eighth of them open, each superseded once: in half of the cases within
 * its first month, in the other at any time since. Written by SQL with the triggers off, because they know no past.
 */
export async function fillReads({ knex }: Pick<Database, 'knex'>, fill: ReadsFill): Promise<void> {
  await knex.raw(
    `INSERT INTO companies (realm_id, name, status, status_changed_at, next_sync_at, created_at, home_currency, time_zone)
     SELECT (${FIRST_REALM} + n)::text, 'Company ' || n, 'active', now(), now(), now() - interval '1 year', 'USD',
            'America/Denver'
       FROM generate_series(1, CAST(:companies AS int)) n`,
    { companies: fill.companies },
  )
  await knex.raw(
    `INSERT INTO sync_states (realm_id, entity, watermark, last_synced_at, mapping_version, complete_since)
     SELECT realm_id, entity, now(), now(), 1, now() - interval '1 year'
       FROM companies CROSS JOIN unnest(ARRAY['vendor', 'customer', 'balance', 'bill', 'invoice']) entity`,
  )
  for (const table of ['vendors', 'customers']) await fillParties(knex, table)
  for (const document of DOCUMENTS) await fillDocuments(knex, document, Math.floor(fill.documentsEach / 2))
  await vacuumAll(knex)
}

// A thousand rows a transaction, as a run writes them: the feed goes by transactions.
const TX = '(3 + row_number() OVER () / 1000 % 500)::text::xid8 AS tx'

const BOOKKEEPING = `sync_token, source_created_at, source_updated_at, source_valid_from, observed_at, last_synced_at,
  content_hash, mapping_version, sync_run_id, tx_id`

function bookkeeping(moment: string): string {
  return `'0', ${moment}, ${moment}, ${moment}, ${moment}, ${moment}, md5('x'), 1, 1, tx`
}

async function fillParties(knex: Database['knex'], table: string): Promise<void> {
  await withoutTriggers(knex, table, () =>
    knex.raw(
      `INSERT INTO ${table} (realm_id, qbo_id, display_name, active, valid_from, ${BOOKKEEPING}, raw)
       SELECT realm_id, n::text, 'Party number ' || n, true, created_at, ${bookkeeping('created_at')}, '{}'
         FROM (SELECT realm_id, created_at, n, ${TX}
                 FROM companies CROSS JOIN generate_series(1, ${PARTIES_EACH}) n) p`,
    ),
  )
}

async function fillDocuments(
  knex: Database['knex'],
  { table, party, more, values }: (typeof DOCUMENTS)[number],
  each: number,
): Promise<void> {
  const columns = `realm_id, qbo_id, ${party}_id, ${party}_name, doc_number, txn_date, due_date, currency, total_amount,
                   balance${more}, ${BOOKKEEPING}, raw`
  // A document is first seen at \`seen\` and its present version begins at \`since\`.
  const made = `
    SELECT realm_id, n::text, (n * 7 % ${PARTIES_EACH} + 1)::text, 'Party number ' || n * 7 % ${PARTIES_EACH} + 1,
           'D-' || n, seen::date, seen::date + 30, 'USD', (n * 37 % 100000) / 100.0`
  const raw = `jsonb_build_object('Id', n, 'Line', jsonb_build_array(jsonb_build_object('Id', '1', 'Amount', n % 1000,
               'Description', repeat('words of a line ', 30))))`
  const documents = `
    FROM (SELECT c.realm_id, n, seen, ${TX},
                 seen + (now() - seen) * CASE WHEN n % 2 = 0 THEN least(1, 30.0 / 365) * (n % 97) / 97.0
                                              ELSE (n % 89) / 89.0 END AS since
            FROM companies c
           CROSS JOIN generate_series(1, CAST(:each AS int)) n
           CROSS JOIN LATERAL (SELECT c.created_at + (n::float8 / :each) * interval '364 days' AS seen) s
           ORDER BY c.realm_id, n) d`
  await withoutTriggers(knex, table, () =>
    knex.raw(
      `INSERT INTO ${table} (${columns}, valid_from)
       ${made}, CASE WHEN n % 8 = 0 THEN (n * 37 % 100000) / 100.0 + 1 ELSE 0 END${values}, ${bookkeeping('since')}, ${raw}, since
       ${documents}`,
      { each },
    ),
  )
  await withoutTriggers(knex, `${table}_history`, () =>
    knex.raw(
      `INSERT INTO ${table}_history (${columns}, valid_from, valid_to)
       ${made}, (n * 37 % 100000) / 100.0 + 1${values}, ${bookkeeping('seen')}, ${raw}, seen, since
       ${documents}
       WHERE since > seen`,
      { each },
    ),
  )
}

export async function withoutTriggers(
  knex: Database['knex'],
  table: string,
  work: () => Promise<unknown>,
): Promise<void> {
  await knex.raw(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
  await work()
  await knex.raw(`
    DO $$
    DECLARE one name;
    BEGIN
      FOR one IN SELECT tgname FROM pg_trigger WHERE tgrelid = '${table}'::regclass AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE ${table} ENABLE ALWAYS TRIGGER %I', one);
      END LOOP;
    END
    $$`)
}
