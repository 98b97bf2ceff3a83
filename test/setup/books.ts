import type { TestMirror } from './mirror.ts'
import { REALM } from './mirror.ts'

type Fields = Record<string, unknown>

/**
 * What the mirror must hold of a company, said by the simulator's books and by nothing of the code under test:
 * by table and id, each column of the contract as text.
 */
export function expectedMirror(
  mirror: Pick<TestMirror, 'sandbox'>,
  realmId = REALM,
  homeCurrency = 'USD',
): Record<string, Fields> {
  const books = mirror.sandbox.books(realmId)
  const ref = (record: Fields, key: string) => (record[key] as { value?: string } | undefined)?.value ?? null
  const text = (record: Fields, key: string) => (record[key] as string | undefined) ?? null
  const amount = (record: Fields, key: string) => (record[key] === undefined ? null : String(record[key]))
  const shared = (record: Fields) => {
    const meta = record['MetaData'] as { CreateTime: string; LastUpdatedTime: string }
    return {
      sync_token: text(record, 'SyncToken'),
      source_created_at: new Date(meta.CreateTime).toISOString(),
      source_updated_at: new Date(meta.LastUpdatedTime).toISOString(),
      currency: ref(record, 'CurrencyRef') ?? homeCurrency,
    }
  }
  const transaction = (record: Fields) => ({
    ...shared(record),
    doc_number: text(record, 'DocNumber'),
    txn_date: text(record, 'TxnDate'),
    due_date: text(record, 'DueDate'),
    exchange_rate: amount(record, 'ExchangeRate'),
    total_amount: amount(record, 'TotalAmt'),
    balance: amount(record, 'Balance'),
    home_balance: amount(record, 'HomeBalance'),
    private_note: text(record, 'PrivateNote'),
  })
  const tables: Record<string, [string, (record: Fields) => Fields]> = {
    bills: [
      'Bill',
      (record) => ({
        ...transaction(record),
        vendor_id: ref(record, 'VendorRef'),
        ap_account_id: ref(record, 'APAccountRef'),
      }),
    ],
    invoices: [
      'Invoice',
      (record) => ({
        ...transaction(record),
        customer_id: ref(record, 'CustomerRef'),
        home_total_amount: amount(record, 'HomeTotalAmt'),
        email_status: text(record, 'EmailStatus'),
        voided: String(record['TotalAmt'] === 0 && String(record['PrivateNote'] ?? '').startsWith('Voided')),
      }),
    ],
    balances: [
      'Account',
      (record) => ({
        ...shared(record),
        account_name: text(record, 'Name'),
        fully_qualified_name: text(record, 'FullyQualifiedName'),
        account_type: text(record, 'AccountType'),
        account_sub_type: text(record, 'AccountSubType'),
        classification: text(record, 'Classification'),
        current_balance: amount(record, 'CurrentBalance'),
        current_balance_with_sub_accounts: amount(record, 'CurrentBalanceWithSubAccounts'),
        parent_id: ref(record, 'ParentRef'),
        active: String(record['Active']),
      }),
    ],
    vendors: [
      'Vendor',
      (record) => ({
        ...shared(record),
        display_name: text(record, 'DisplayName'),
        company_name: text(record, 'CompanyName'),
        active: String(record['Active']),
      }),
    ],
    customers: [
      'Customer',
      (record) => ({
        ...shared(record),
        display_name: text(record, 'DisplayName'),
        fully_qualified_name: text(record, 'FullyQualifiedName'),
        parent_id: ref(record, 'ParentRef'),
        active: String(record['Active']),
      }),
    ],
  }
  return Object.fromEntries(
    Object.entries(tables).flatMap(([table, [type, fields]]) =>
      books
        .records(type as 'Bill')
        .map((record) => [`${table} ${record.Id}`, fields(record as unknown as Fields)] as const),
    ),
  )
}

const MIRRORED = ['bills', 'invoices', 'balances', 'vendors', 'customers'] as const

/** The live rows of the mirror in the same form; columns that `expected` does not speak of are left out. */
export async function dumpMirror(
  mirror: Pick<TestMirror, 'rows'>,
  realmId = REALM,
): Promise<Record<string, Fields>> {
  const dump: Record<string, Fields> = {}
  for (const table of MIRRORED) {
    const rows = await mirror.rows<Fields>(
      `SELECT * FROM ${table} WHERE realm_id = :realmId AND deleted_at IS NULL`,
      {
        realmId,
      },
    )
    for (const row of rows) dump[`${table} ${String(row['qbo_id'])}`] = comparable(row)
  }
  return dump
}

const NOT_THE_SOURCES_WORD = new Set([
  'realm_id',
  'qbo_id',
  'vendor_name',
  'customer_name',
  'source_valid_from',
  'observed_at',
  'last_synced_at',
  'deleted_at',
  'valid_from',
  'previous_valid_from',
  'content_hash',
  'mapping_version',
  'sync_run_id',
  'tx_id',
  'raw',
])

function comparable(row: Fields): Fields {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => !NOT_THE_SOURCES_WORD.has(name))
      .map(([name, value]) => [name, asText(value)]),
  )
}

function asText(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'boolean') return String(value)
  // numeric keeps the digits it was given: 250.00 and 250 are one amount.
  return typeof value === 'string' && /^-?\d+\.\d+$/.test(value) ? value.replace(/\.?0+$/, '') : value
}
