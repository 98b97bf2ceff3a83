import { rowsOf, rowsOfPrepared } from '../../db/database.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { COMPANY_COLUMNS, COMPANY_JOINS, type CompanyRow } from '../company-rows.ts'
import { explain, isLate, promisedLagSeconds } from '../company-state.ts'
import type { Moment } from '../moment.ts'
import type { BooksOptions, Mirror } from '../standing.ts'
import { add } from '../versions/decimals.ts'
import { flagsOf, groupOf, GROUPS, type Flag, type Group } from './flags.ts'
import { presentSums } from './kept-sums.ts'
import { sorted, type PortfolioOrder } from './portfolio-order.ts'
import { readSums } from './read-sums.ts'
import type { CompanySums } from './sums.ts'

export interface PortfolioQuestion {
  readonly moment: Moment
  readonly filters: PortfolioFilters
  readonly order: PortfolioOrder
}

export interface PortfolioFilters {
  readonly realmId?: string | undefined
  readonly flag?: Flag | undefined
  readonly group?: Group | undefined
  readonly tag?: string | undefined
  /** A part of the name, case-insensitive, or the realm id. */
  readonly search?: string | undefined
}

/** Of a company: as of the entity confirmed complete longest ago; null if any never was. */
export type CompanyMirror = Omit<Mirror, 'lastSyncedAt'> & { readonly lastSyncedAt: Date | null }

/** One company in the portfolio. Nothing is known of one that was never read: its sums are null, not zero. */
export interface PortfolioCompany {
  readonly realmId: string
  readonly name: string | null
  readonly tags: readonly string[]
  readonly mirror: CompanyMirror
  readonly promisedLagSeconds: number
  readonly homeCurrency: string | null
  readonly timeZone: string | null
  /** The company's own date at the moment. */
  readonly today: string
  readonly cash: CompanySums['cash'] | null
  readonly receivables: CompanySums['receivables'] | null
  readonly payables: CompanySums['payables'] | null
  readonly changedLast24Hours: number | null
  readonly flags: readonly Flag[]
  readonly group: Group
}

export interface PortfolioTotal {
  readonly currency: string | null
  readonly cash: string
  readonly receivables: string
  readonly payables: string
}

export interface Portfolio {
  readonly data: readonly PortfolioCompany[]
  readonly totals: readonly PortfolioTotal[]
  /** How many companies each group has, whichever was asked for. */
  readonly counts: Readonly<Record<Group | 'all', number>>
}

/** Every company with what its books add up to, at any moment, by each company's own date. */
export async function readPortfolio(options: BooksOptions, question: PortfolioQuestion): Promise<Portfolio> {
  const { moment, filters, order } = question
  const { knex, clock } = options.database
  const now = clock.now()
  const isPresent = moment.asOf === null && moment.sourceAsOf === null
  const rows = (
    await rowsOfPrepared<PortfolioRow>(knex, COMPANIES, {
      now,
      ...moment,
      realmId: filters.realmId ?? null,
    })
  ).filter((row) => isWanted(row, filters))
  const held = rows.filter(({ wasComplete }) => wasComplete)
  const sums = isPresent
    ? await presentSums(knex, held, now)
    : await readSums(knex, held, moment, new Date(moment.asOf ?? now))
  const settled = await readSettled(options, moment)
  const since = BigInt((moment.asOf === null ? now : new Date(moment.asOf)).getTime() - DAY_MS) * 1000n
  const companies = rows.map((row) =>
    companyOf(row, sums.get(row.realmId) ?? null, { options, now, moment, settled, since }),
  )
  const inGroup = companies.filter(({ flags }) => filters.flag === undefined || flags.includes(filters.flag))
  const data = inGroup.filter(({ group }) => filters.group === undefined || group === filters.group)
  return { data: sorted(data, order), totals: totalsOf(data), counts: countsOf(inGroup) }
}

const DAY_MS = 24 * 3_600_000

function isWanted({ realmId, name, tags }: PortfolioRow, { tag, search }: PortfolioFilters): boolean {
  if (tag !== undefined && !tags.includes(tag)) return false
  if (search === undefined) return true
  return realmId === search || (name ?? '').toLowerCase().includes(search.toLowerCase())
}

type PortfolioRow = CompanyRow & {
  readonly today: string
  readonly entitiesSynced: number
  readonly lastSyncedAt: Date | null
  readonly laggingSince: Date
  /** Whether bills, invoices and balances were held completely at the moment. */
  readonly wasComplete: boolean
  readonly latest: string
  readonly sums: CompanySums | null
}

interface Around {
  readonly options: BooksOptions
  readonly now: Date
  readonly moment: Moment
  readonly settled: boolean
  /** Changes after this count as of the last day; microseconds since 1970. */
  readonly since: bigint
}

function companyOf(
  row: PortfolioRow,
  sums: CompanySums | null,
  { options, now, moment, settled, since }: Around,
): PortfolioCompany {
  const lagSeconds = (now.getTime() - row.laggingSince.getTime()) / 1000
  const { realmId, name, tags, homeCurrency, timeZone, today } = row
  const mirror = {
    status: row.status,
    ...explain(row, now),
    lastSyncedAt: row.entitiesSynced === ENTITIES.length ? row.lastSyncedAt : null,
    lagSeconds,
    late: isLate(row, lagSeconds, options.intervalSeconds),
    rejects: row.rejects,
    ...moment,
    settled,
  }
  const flags = flagsOf({ ...mirror, neverSynced: sums === null })
  return {
    realmId,
    name,
    tags,
    mirror,
    promisedLagSeconds: promisedLagSeconds(row.maxLagMinutes, options.intervalSeconds),
    homeCurrency,
    timeZone,
    today,
    cash: sums?.cash ?? null,
    receivables: sums?.receivables ?? null,
    payables: sums?.payables ?? null,
    changedLast24Hours: sums && changedSince(sums, since),
    flags,
    group: groupOf(flags),
  }
}

function changedSince({ changes }: CompanySums, since: bigint): number {
  return changes.reduce((sum, [micros, count]) => (BigInt(micros) > since ? sum + count : sum), 0)
}

function totalsOf(companies: readonly PortfolioCompany[]): PortfolioTotal[] {
  const totals = new Map<string | null, { cash: string; receivables: string; payables: string }>()
  const raise = (currency: string | null, what: keyof Omit<PortfolioTotal, 'currency'>, amount: string) => {
    const total = totals.get(currency) ?? { cash: '0', receivables: '0', payables: '0' }
    totals.set(currency, { ...total, [what]: add(total[what], amount) })
  }
  for (const { cash, receivables, payables } of companies) {
    for (const { currency, amount } of cash ?? []) raise(currency, 'cash', amount)
    for (const { currency, open } of receivables ?? []) raise(currency, 'receivables', open)
    for (const { currency, open } of payables ?? []) raise(currency, 'payables', open)
  }
  return [...totals]
    .map(([currency, total]) => ({ currency, ...total }))
    .sort((one, other) => ((one.currency ?? '') < (other.currency ?? '') ? -1 : 1))
}

function countsOf(companies: readonly PortfolioCompany[]): Portfolio['counts'] {
  const counts = Object.fromEntries(
    GROUPS.map((group) => [group, companies.filter((company) => company.group === group).length]),
  ) as Record<Group, number>
  return { ...counts, all: companies.length }
}

/** Whether a transaction could still change the answer; asked after the sums, so that a late writer is never missed. */
async function readSettled({ database }: BooksOptions, { asOf }: Moment): Promise<boolean> {
  const [row] = await rowsOf<{ settled: boolean }>(
    database.knex,
    `SELECT coalesce(CAST(:asOf AS timestamptz), statement_timestamp()) < settled_before() AS settled`,
    { asOf },
  )
  return row?.settled ?? false
}

const LATEST = ['vendors', 'customers', 'balances', 'bills', 'invoices']
  .map((table) => `(SELECT max(v.valid_from) FROM ${table} v WHERE v.realm_id = c.realm_id)`)
  .join(', ')

// An entity without a watermark lags since the registration. OFFSET 0 keeps Postgres from writing out day and latest
// moment wherever they are named, and computing them each time.
const COMPANIES = `
  SELECT ${COMPANY_COLUMNS}, s.synced AS "entitiesSynced", s.oldest AS "lastSyncedAt",
         CASE WHEN s.reached = ${ENTITIES.length} THEN s.watermark ELSE c.created_at END AS "laggingSince",
         coalesce(s.complete, false) AS "wasComplete", CAST(day.today AS text) AS today,
         CAST(latest.moment AS text) AS latest, k.sums
    FROM companies c
   CROSS JOIN LATERAL (
           SELECT count(t.last_synced_at) AS synced, min(t.last_synced_at) AS oldest, count(t.watermark) AS reached,
                  min(t.watermark) AS watermark,
                  count(*) FILTER (WHERE t.entity IN ('bill', 'invoice', 'balance')
                                     AND t.complete_since <= coalesce(CAST(:asOf AS timestamptz), 'infinity')) = 3
                    AS complete
             FROM sync_states t
            WHERE t.realm_id = c.realm_id) s
   CROSS JOIN LATERAL (
           SELECT company_date(coalesce(CAST(:sourceAsOf AS timestamptz), CAST(:asOf AS timestamptz), :now),
                               c.time_zone) AS today OFFSET 0) day
   CROSS JOIN LATERAL (SELECT coalesce(greatest(${LATEST}), '-infinity') AS moment OFFSET 0) latest
    LEFT JOIN portfolio_sums k
      ON k.realm_id = c.realm_id AND k.today = day.today AND k.latest = latest.moment
    ${COMPANY_JOINS}
   WHERE CAST(:realmId AS text) IS NULL OR c.realm_id = :realmId`
