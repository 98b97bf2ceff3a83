import type { PortfolioCompany, PortfolioTotal } from '../../books/portfolio/portfolio.ts'
import type { OwedSums } from '../../books/portfolio/sums.ts'
import { linkTo } from '../address.ts'
import { clientLink } from '../client.ts'
import { companyStateOf } from '../company/company-state.ts'
import type { PageContext } from '../context.ts'
import { companyPath } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'
import { agesBar } from '../parts/ages.ts'
import { money } from '../parts/money.ts'
import { stateMark } from '../parts/state.ts'
import { table, type Column } from '../parts/table.ts'
import { ago } from '../parts/time.ts'
import { adviceOf, remedyOf } from '../remedy.ts'
import { durationWords } from '../time/time-words.ts'
import { COLUMN_WORDS, COLUMNS, type ColumnName } from './portfolio-columns.ts'

/** All clients as rows, and below them a sum for each currency. */
export function portfolioTable(
  companies: readonly PortfolioCompany[],
  totals: readonly PortfolioTotal[],
  wanted: readonly ColumnName[],
  context: PageContext,
): Markup {
  const names = COLUMNS.filter((name) => wanted.includes(name))
  const columns = columnsFor(context)
  return table<PortfolioCompany>({
    caption: 'Clients',
    address: context.address,
    sort: context.address.query.get('sort') ?? 'worst',
    rows: companies,
    columns: [
      { label: 'Client', sort: 'name', cell: (company) => clientCell(company, context) },
      ...names.map((name): Column<PortfolioCompany> => ({ label: COLUMN_WORDS[name], ...columns[name] })),
    ],
    sums: totals.map((total) => sumRow(total, names)),
  })
}

function columnsFor(
  context: PageContext,
): Readonly<Record<ColumnName, Omit<Column<PortfolioCompany>, 'label'>>> {
  return {
    state: { sort: 'worst', cell: (company) => stateCell(company, context) },
    fresh: { sort: 'lag', folds: true, cell: (company) => freshCell(company, context) },
    cash: {
      sort: 'cash',
      isNumber: true,
      cell: ({ cash }) => stacked(cash, ({ amount, currency }) => money(amount, currency)),
    },
    receivables: {
      sort: 'receivables',
      isNumber: true,
      cell: ({ receivables }) => stacked(receivables, owedCell),
    },
    overdue: {
      sort: 'overdue',
      isNumber: true,
      folds: true,
      cell: ({ receivables }) =>
        stacked(
          receivables,
          ({ overdue, overdueCount, currency }) =>
            html`${money(overdue, currency)}
            ${overdueCount > 0 && html`<small class="quiet">${invoices(overdueCount)}</small>`}`,
        ),
    },
    payables: { sort: 'payables', isNumber: true, cell: ({ payables }) => stacked(payables, owedCell) },
    changed: {
      sort: 'changed',
      isNumber: true,
      folds: true,
      cell: ({ changedLast24Hours, realmId }) =>
        changedLast24Hours === null || changedLast24Hours === 0
          ? html`<span class="quiet">${changedLast24Hours === null ? '–' : '0'}</span>`
          : html`<a href="${linkTo(context.address, companyPath(realmId, 'changes'), { within: 'day' })}"
              >${changedLast24Hours.toLocaleString('en')}</a
            >`,
    },
  }
}

function invoices(count: number): string {
  return count === 1 ? '1 invoice' : `${count.toLocaleString('en')} invoices`
}

function clientCell(company: PortfolioCompany, { address }: PageContext): Markup {
  return html`${clientLink(company, address)}
  ${company.tags.map((tag) => html` <span class="tag">${tag}</span>`)}`
}

/** In a word, why, and the way out. */
function stateCell({ mirror, realmId, flags }: PortfolioCompany, { address }: PageContext): Markup {
  const { tone, word } = companyStateOf({ ...mirror, neverSynced: flags.includes('never_synced') })
  const { statusReason } = mirror
  if (statusReason === null) return stateMark(tone, word)
  const remedy = remedyOf(statusReason.code, { realmId, status: mirror.status }, address)
  return html`${stateMark(tone, word)}
    <p class="why" title="${`${statusReason.message}. ${adviceOf(statusReason.code, mirror.status)}`}">
      ${remedy === null ? statusReason.message : html`<a href="${remedy.href}">${remedy.words}</a>`}
    </p>`
}

function freshCell({ mirror, promisedLagSeconds }: PortfolioCompany, context: PageContext): Markup {
  const { lastSyncedAt, late } = mirror
  return html`<span class="${late && 'late-word'}">${ago(lastSyncedAt, context)}</span>
    <small class="quiet block">promised within ${durationWords(promisedLagSeconds)}</small>`
}

function owedCell({ open, ages, currency }: OwedSums): Markup {
  return html`${money(open, currency)} ${agesBar(ages, currency ?? '')}`
}

/** One line a currency: they are never added. */
function stacked<Sum>(sums: readonly Sum[] | null, show: (sum: Sum) => Child): Child {
  if (sums === null) return html`<span class="quiet" title="not read yet">–</span>`
  if (sums.length === 0) return html`<span class="quiet">none</span>`
  return sums.map((sum) => html`<div class="stacked">${show(sum)}</div>`)
}

function sumRow(
  { currency, cash, receivables, payables }: PortfolioTotal,
  names: readonly ColumnName[],
): Markup {
  const amounts: Partial<Record<ColumnName, string>> = { cash, receivables, payables }
  return html`<tr>
    <th scope="row">All in ${currency ?? 'no currency'}</th>
    ${names.map((name) => {
      const amount = amounts[name]
      const classes = FOLDED.has(name) ? 'number fold' : 'number'
      return html`<td class="${classes}">${amount !== undefined && money(amount, currency)}</td>`
    })}
  </tr>`
}

const FOLDED: ReadonlySet<ColumnName> = new Set(['fresh', 'overdue', 'changed'])
