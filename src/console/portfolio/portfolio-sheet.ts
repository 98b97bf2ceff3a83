import type { Request } from 'express'
import type { Portfolio, PortfolioCompany } from '../../books/portfolio/portfolio.ts'
import { addSheet } from '../csv.ts'
import type { Pages } from '../pages.ts'

/** The view as a file: one row for each client and currency, since amounts of two cannot stand in one column. */
export function addPortfolioSheet(pages: Pages, read: (request: Request) => Promise<Portfolio>): void {
  addSheet(pages, '/console', async (request) => {
    const { data } = await read(request)
    return { name: 'clients', columns: COLUMNS, rows: data.flatMap(rowsOf) }
  })
}

const COLUMNS = [
  'realmId',
  'name',
  'tags',
  'status',
  'reason',
  'flags',
  'lastSyncedAt',
  'lagSeconds',
  'today',
  'currency',
  'cash',
  'receivables',
  'receivablesOverdue',
  'receivablesCurrent',
  'receivables1To30',
  'receivables31To60',
  'receivables61To90',
  'receivablesOver90',
  'payables',
  'payablesOverdue',
  'changedLast24Hours',
]

type Cell = string | number | null

function rowsOf(company: PortfolioCompany): Cell[][] {
  const { realmId, name, tags, mirror, flags, today, changedLast24Hours } = company
  const head = [
    realmId,
    name,
    tags.join(' '),
    mirror.status,
    mirror.statusReason?.message ?? null,
    flags.join(' '),
    mirror.lastSyncedAt?.toISOString() ?? null,
    Math.round(mirror.lagSeconds),
    today,
  ]
  return currenciesOf(company).map((currency) => [
    ...head,
    currency,
    ...amountsIn(company, currency),
    changedLast24Hours,
  ])
}

/** A client of which nothing is known has a row without amounts. */
function currenciesOf({ cash, receivables, payables, homeCurrency }: PortfolioCompany): (string | null)[] {
  const used = [...(cash ?? []), ...(receivables ?? []), ...(payables ?? [])].map(({ currency }) => currency)
  return used.length === 0 ? [homeCurrency] : [...new Set(used)]
}

function amountsIn({ cash, receivables, payables }: PortfolioCompany, currency: string | null): Cell[] {
  const inCurrency = <Sum extends { readonly currency: string | null }>(sums: readonly Sum[] | null) =>
    sums?.find((sum) => sum.currency === currency)
  const [held, owed, owing] = [inCurrency(cash), inCurrency(receivables), inCurrency(payables)]
  const ages = owed?.ages
  return [
    held?.amount ?? null,
    owed?.open ?? null,
    owed?.overdue ?? null,
    ages?.current ?? null,
    ages?.days1To30 ?? null,
    ages?.days31To60 ?? null,
    ages?.days61To90 ?? null,
    ages?.over90 ?? null,
    owing?.open ?? null,
    owing?.overdue ?? null,
  ]
}
