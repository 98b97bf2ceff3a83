import type { Knex } from 'knex'
import { rowsOf } from '../../db/database.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { MIRRORED_TABLES } from '../../models/mirrored-tables.ts'
import { rowsAt, type Moment } from '../moment.ts'
import { PARTIES, partyJoin } from '../record-row.ts'
import type { AgedSums, CashSum, CompanySums, OverdueParty, OwedSums } from './sums.ts'

/** A company on the day by which its documents are aged. */
export interface CompanyOnDay {
  readonly realmId: string
  /** `YYYY-MM-DD`, by the company's own clock. */
  readonly today: string
}

/** Adds up the books of some companies at a moment, in a handful of statements however many there are. */
export async function readSums(
  knex: Knex,
  companies: readonly CompanyOnDay[],
  moment: Moment,
  /** The end of the day of changes that are counted. */
  until: Date,
): Promise<Map<string, CompanySums>> {
  if (companies.length === 0) return new Map()
  const bindings = {
    realmIds: companies.map(({ realmId }) => realmId),
    todays: companies.map(({ today }) => today),
    ...moment,
  }
  const owed = Map.groupBy(await rowsOf<OwedRow>(knex, owedSql(moment), bindings), keyOf)
  const overdue = Map.groupBy(await rowsOf<OverdueRow>(knex, overdueSql(moment), bindings), placeOf)
  const accounts = Map.groupBy(await rowsOf<AccountRow>(knex, accountsSql(moment), bindings), keyOf)
  const changes = Map.groupBy(
    await rowsOf<ChangesRow>(knex, changesSql(moment), { ...bindings, until }),
    keyOf,
  )
  return new Map(
    companies.map(({ realmId }): [string, CompanySums] => {
      const held = accounts.get(realmId) ?? []
      const sumsOf = (kind: Kind) => owedSums(kind, { owed: owed.get(realmId) ?? [], held, overdue, realmId })
      return [
        realmId,
        {
          cash: held.filter(({ accountType }) => accountType === 'Bank').map(cashOf),
          receivables: sumsOf('invoice'),
          payables: sumsOf('bill'),
          changes: (changes.get(realmId) ?? []).map(({ micros, count }) => [micros, count] as const),
        },
      ]
    }),
  )
}

type Kind = 'invoice' | 'bill'

interface OwedRow extends AgedSums {
  readonly realmId: string
  readonly kind: Kind
  readonly currency: string | null
  readonly open: string
  readonly overdue: string
  readonly dueWithin7Days: string
  readonly dueWithin14Days: string
  readonly count: number
  readonly overdueCount: number
}

interface OverdueRow extends OverdueParty {
  readonly realmId: string
  readonly kind: Kind
  readonly currency: string | null
}

interface AccountRow {
  readonly realmId: string
  readonly accountType: string
  readonly currency: string | null
  readonly amount: string
}

interface ChangesRow {
  readonly realmId: string
  readonly micros: string
  readonly count: number
}

function keyOf({ realmId }: { readonly realmId: string }): string {
  return realmId
}

function placeOf({ realmId, kind, currency }: Pick<OverdueRow, 'realmId' | 'kind' | 'currency'>): string {
  return `${realmId} ${kind} ${currency}`
}

function cashOf({ currency, amount }: AccountRow): CashSum {
  return { currency, amount }
}

const ACCOUNTS: Readonly<Record<Kind, string>> = { invoice: 'Accounts Receivable', bill: 'Accounts Payable' }

/** One entry a currency, whether documents or accounts have it. */
function owedSums(
  kind: Kind,
  read: {
    readonly realmId: string
    readonly owed: readonly OwedRow[]
    readonly held: readonly AccountRow[]
    readonly overdue: ReadonlyMap<string, readonly OverdueRow[]>
  },
): OwedSums[] {
  const documents = read.owed.filter((row) => row.kind === kind)
  const accounts = read.held.filter(({ accountType }) => accountType === ACCOUNTS[kind])
  const currencies = [...new Set([...documents, ...accounts].map(({ currency }) => currency))].sort()
  return currencies.map((currency) => {
    const row = documents.find((candidate) => candidate.currency === currency) ?? NOTHING
    const { current, days1To30, days31To60, days61To90, over90 } = row
    const { open, overdue, dueWithin7Days, dueWithin14Days, count, overdueCount } = row
    const account = accounts.find((candidate) => candidate.currency === currency)
    return {
      currency,
      open,
      overdue,
      ages: { current, days1To30, days31To60, days61To90, over90 },
      dueWithin7Days,
      dueWithin14Days,
      count,
      overdueCount,
      accountBalance: account?.amount ?? null,
      largestOverdue: (read.overdue.get(placeOf({ realmId: read.realmId, kind, currency })) ?? []).map(
        ({ counterpartyId, name, amount, oldestDueDate }) => ({
          counterpartyId,
          name,
          amount,
          oldestDueDate,
        }),
      ),
    }
  })
}

/** An account of a currency in which nothing is open. */
const NOTHING: Omit<OwedRow, 'realmId' | 'kind' | 'currency'> = {
  open: '0',
  overdue: '0',
  current: '0',
  days1To30: '0',
  days31To60: '0',
  days61To90: '0',
  over90: '0',
  dueWithin7Days: '0',
  dueWithin14Days: '0',
  count: 0,
  overdueCount: 0,
}

const COMPANIES = 'unnest(CAST(:realmIds AS text[]), CAST(:todays AS date[])) AS c (realm_id, today)'

// Written as the condition of the index on open documents is.
const IS_OPEN: Readonly<Record<Kind, string>> = {
  bill: 'd.balance <> 0 AND d.deleted_at IS NULL',
  invoice: 'd.balance <> 0 AND d.deleted_at IS NULL AND NOT d.voided',
}

const KINDS: readonly Kind[] = ['invoice', 'bill']

function owedSql(moment: Moment): string {
  const sum = (condition: string) => `CAST(coalesce(sum(d.balance) FILTER (WHERE ${condition}), 0) AS text)`
  const late = (from: number, to: number) => sum(`c.today - d.due_date BETWEEN ${from} AND ${to}`)
  const within = (days: number) => sum(`d.due_date - c.today BETWEEN 0 AND ${days}`)
  return KINDS.map(
    (kind) => `
    SELECT c.realm_id AS "realmId", '${kind}' AS kind, d.currency,
           CAST(sum(d.balance) AS text) AS open,
           ${sum('d.due_date < c.today')} AS overdue,
           ${sum('d.due_date IS NULL OR d.due_date >= c.today')} AS current,
           ${late(1, 30)} AS "days1To30",
           ${late(31, 60)} AS "days31To60",
           ${late(61, 90)} AS "days61To90",
           ${sum('c.today - d.due_date > 90')} AS over90,
           ${within(7)} AS "dueWithin7Days",
           ${within(14)} AS "dueWithin14Days",
           CAST(count(*) AS integer) AS count,
           CAST(count(*) FILTER (WHERE d.due_date < c.today) AS integer) AS "overdueCount"
      FROM ${COMPANIES}
      JOIN ${rowsAt(kind, moment)} d ON d.realm_id = c.realm_id AND ${IS_OPEN[kind]}
     GROUP BY c.realm_id, d.currency`,
  ).join(' UNION ALL ')
}

// As many as a person rings up in a morning.
const MOST_PARTIES = 5

/** Credits that a party has open lessen what it owes, but a party with none overdue is not one of them. */
function overdueSql(moment: Moment): string {
  return KINDS.map((kind) => {
    const party = PARTIES[kind]!
    return `
    SELECT o.realm_id AS "realmId", '${kind}' AS kind, o.currency, o.party_id AS "counterpartyId",
           coalesce(p.display_name, o.name) AS name, CAST(o.amount AS text) AS amount,
           CAST(o.oldest AS text) AS "oldestDueDate"
      FROM (SELECT c.realm_id, d.currency, d.${party.id} AS party_id, max(d.${party.name}) AS name,
                   sum(d.balance) AS amount, min(d.due_date) AS oldest,
                   row_number() OVER (PARTITION BY c.realm_id, d.currency
                                          ORDER BY sum(d.balance) DESC, d.${party.id}) AS place
              FROM ${COMPANIES}
              JOIN ${rowsAt(kind, moment)} d
                ON d.realm_id = c.realm_id AND ${IS_OPEN[kind]} AND d.due_date < c.today
             GROUP BY c.realm_id, d.currency, d.${party.id}
            HAVING sum(d.balance) > 0) o
      ${partyJoin(kind, moment, 'o.party_id', 'o.realm_id')}
     WHERE o.place <= ${MOST_PARTIES}`
  }).join(' UNION ALL ')
}

// What QuickBooks keeps as a debt comes negative; what is owed is told positive.
function accountsSql(moment: Moment): string {
  return `
    SELECT c.realm_id AS "realmId", d.account_type AS "accountType", d.currency,
           CAST(sum(CASE WHEN d.account_type = 'Accounts Payable' THEN -d.current_balance
                         ELSE d.current_balance END) AS text) AS amount
      FROM ${COMPANIES}
      JOIN ${rowsAt('balance', moment)} d ON d.realm_id = c.realm_id
     WHERE d.deleted_at IS NULL AND d.current_balance IS NOT NULL
       AND d.account_type IN ('Bank', 'Accounts Receivable', 'Accounts Payable')
     GROUP BY c.realm_id, d.account_type, d.currency
     ORDER BY d.currency`
}

/** A version that began within the day is current, or ended within it too: both have an index. */
function changesSql({ asOf }: Moment): string {
  const began = `v.valid_from > CAST(:until AS timestamptz) - interval '1 day'`
  const known = asOf === null ? '' : 'AND v.valid_from <= CAST(:asOf AS timestamptz)'
  const parts = ENTITIES.flatMap((entity) => {
    const { table } = MIRRORED_TABLES[entity]
    return [
      `SELECT v.realm_id, v.valid_from FROM ${table} v
        WHERE v.realm_id = c.realm_id AND ${began} ${known}`,
      `SELECT v.realm_id, v.valid_from FROM ${table}_history v
        WHERE v.realm_id = c.realm_id AND v.valid_to > CAST(:until AS timestamptz) - interval '1 day'
          AND ${began} ${known}`,
    ]
  })
  return `
    SELECT c.realm_id AS "realmId", CAST(count(*) AS integer) AS count,
           CAST(CAST(extract(epoch FROM w.valid_from) * 1000000 AS bigint) AS text) AS micros
      FROM ${COMPANIES}
     CROSS JOIN LATERAL (${parts.join(' UNION ALL ')}) w
     GROUP BY c.realm_id, w.valid_from`
}
