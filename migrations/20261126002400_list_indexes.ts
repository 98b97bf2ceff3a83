import type { Knex } from 'knex'

/**
 * An index for each order and filter of a list, so that a page of a company with 100,000 documents reads a hundred of
 * them and not all. Built beside a running service: no statement waits for more than a moment, and a build that was
 * killed is started over by the next `npm run migrate`.
 */
export const config = { transaction: false }

export async function up(knex: Knex): Promise<void> {
  for (const [name, definition] of INDEXES) await buildIndex(knex, name, definition)
  for (const [name, definition] of REPLACED) await replaceIndex(knex, name, definition)
}

export async function down(knex: Knex): Promise<void> {
  for (const [name, , before] of REPLACED) await replaceIndex(knex, name, before)
  for (const [name] of INDEXES) await knex.raw(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`)
}

const DOCUMENTS = [
  { table: 'bills', party: 'vendor_id', told: 'total_amount, balance' },
  { table: 'invoices', party: 'customer_id', told: 'total_amount, balance, voided' },
] as const

const OPEN = 'WHERE balance <> 0 AND deleted_at IS NULL'

// Ties go by id: without it in the index, a page would first sort everything of one day.
const INDEXES: readonly (readonly [name: string, definition: string])[] = [
  ...DOCUMENTS.flatMap(
    ({ table, party, told }) =>
      [
        [`${table}_by_due_date`, `ON ${table} (realm_id, due_date, qbo_id)`],
        [`${table}_by_txn_date`, `ON ${table} (realm_id, txn_date, qbo_id)`],
        [`${table}_by_total_amount`, `ON ${table} (realm_id, total_amount, qbo_id)`],
        [`${table}_by_balance`, `ON ${table} (realm_id, balance, qbo_id)`],
        [`${table}_by_number`, `ON ${table} (realm_id, doc_number, qbo_id)`],
        [`${table}_by_party`, `ON ${table} (realm_id, ${party}, qbo_id)`],
        // The sums of a whole list, whatever page of it is shown, come from here alone.
        [
          `${table}_by_currency`,
          `ON ${table} (realm_id, currency) INCLUDE (${told}) WHERE deleted_at IS NULL`,
        ],
        // For what is open or overdue by id. The due date is looked at before the row.
        [`${table}_open`, `ON ${table} (realm_id, qbo_id, due_date) ${OPEN}`],
        // For any moment. The period is part of the key: only so is it looked at before the row.
        [`${table}_history_held`, `ON ${table}_history (realm_id, qbo_id, valid_to, valid_from)`],
        [
          `${table}_history_open`,
          `ON ${table}_history (realm_id, due_date, valid_to, valid_from, qbo_id) ${OPEN}`,
        ],
      ] as const,
  ),
  ['invoices_voided', 'ON invoices (realm_id, qbo_id) WHERE voided'],
  ['vendors_by_name', 'ON vendors (realm_id, display_name, qbo_id)'],
  ['customers_by_name', 'ON customers (realm_id, display_name, qbo_id)'],
]

const REPLACED: readonly (readonly [name: string, definition: string, before: string])[] = DOCUMENTS.flatMap(
  ({ table }) =>
    [
      [
        `${table}_open_by_due_date`,
        `ON ${table} (realm_id, due_date, qbo_id) ${OPEN}`,
        `ON ${table} (realm_id, due_date) ${OPEN}`,
      ],
      [
        `${table}_by_change`,
        `ON ${table} (realm_id, valid_from, qbo_id)`,
        `ON ${table} (realm_id, valid_from)`,
      ],
    ] as const,
)

async function buildIndex(knex: Knex, name: string, definition: string): Promise<void> {
  const found = await indexNamed(knex, name)
  if (found?.valid) return
  // What a killed build leaves is kept up by every write and used by no read.
  if (found) await knex.raw(`DROP INDEX CONCURRENTLY ${name}`)
  await knex.raw(`CREATE INDEX CONCURRENTLY ${name} ${definition}`)
}

/** Under the same name: the old one serves until the new one can. */
async function replaceIndex(knex: Knex, name: string, definition: string): Promise<void> {
  const columns = definition.slice(definition.indexOf('('))
  if ((await indexNamed(knex, name))?.definition.includes(columns.slice(0, columns.indexOf(')') + 1))) return
  await buildIndex(knex, `${name}_new`, definition)
  await knex.raw(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`)
  await knex.raw(`ALTER INDEX ${name}_new RENAME TO ${name}`)
}

async function indexNamed(
  knex: Knex,
  name: string,
): Promise<{ valid: boolean; definition: string } | undefined> {
  const { rows } = await knex.raw<{ rows: { valid: boolean; definition: string }[] }>(
    `SELECT i.indisvalid AS valid, pg_get_indexdef(i.indexrelid) AS definition
       FROM pg_index i
      WHERE i.indexrelid = to_regclass(?)`,
    [`public.${name}`],
  )
  return rows[0]
}
