import { z } from 'zod'
import { readChanges } from '../../books/changes/read-changes.ts'
import { readCashSeries } from '../../books/cash-series.ts'
import { readPortfolio, type PortfolioCompany } from '../../books/portfolio/portfolio.ts'
import type { OwedSums } from '../../books/portfolio/sums.ts'
import { companyDay } from '../../domain/company-time.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany, type OperatedCompany } from '../../http/companies/show-company.ts'
import { realmId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { linkTo } from '../address.ts'
import { changeTable } from '../changes/change-table.ts'
import type { PageContext } from '../context.ts'
import { companyPath, ENTITY_WORDS, recordPath, SHOWN_ENTITIES } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { agesBar, agesLegend } from '../parts/ages.ts'
import { lineChart } from '../parts/line-chart.ts'
import { money } from '../parts/money.ts'
import { day } from '../parts/time.ts'
import { companyPage } from './company-frame.ts'
import { nothingYet } from './nothing-yet.ts'

const PARAMS = z.strictObject({ realmId })
const QUERY = z.strictObject(MOMENT_FIELDS)
const DAYS_SHOWN = 90
const CHANGES_SHOWN = 20

/** One look at a company's books at the moment chosen. */
export function addOverviewPage(pages: Pages, options: ConsoleOptions): void {
  addPage(pages, companyPath(':realmId'), async (request, context) => {
    const { realmId } = readParams(request, PARAMS)
    const moment = readForm(request, QUERY)
    const company = await showCompany(options, realmId)
    const { data } = await readPortfolio(options, {
      moment,
      filters: { realmId },
      order: { by: 'worst', descending: false },
    })
    const [books] = data
    const body = books?.cash
      ? await overview(options, company, books, context)
      : nothingYet('its books have not all been read')
    return companyPage(company, context, { tab: 'overview', body, isLive: true })
  })
}

async function overview(
  options: ConsoleOptions,
  company: OperatedCompany,
  books: PortfolioCompany,
  context: PageContext,
): Promise<Markup> {
  const { realmId, timeZone } = company
  const { asOf } = context.moment
  const to = asOf === null ? null : companyDay(new Date(asOf), timeZone)
  const cash = await readCashSeries(options, { realmId, to, days: DAYS_SHOWN, step: 'day' })
  const { changes } = await readChanges(options.database, {
    range: { realmId, entities: ENTITIES, order: 'desc', since: null, until: asOf },
    filter: { change: null, counterparty: null, minAmount: null, syncRunId: null },
    after: null,
    limit: CHANGES_SHOWN,
  })
  return html`
    ${asOf === null && attention(company, books, context)}
    <dl class="figures">
      ${(books.cash ?? []).map(({ currency, amount }) => figure('Cash', money(amount, currency)))}
      ${(books.receivables ?? []).map((sums) => owedFigure('Receivables', sums))}
      ${(books.payables ?? []).map((sums) => owedFigure('Payables', sums))}
    </dl>
    <section class="sheet">
      <h2>Cash in the bank, by day</h2>
      ${lineChart({
        caption: 'Bank accounts together at the end of each day',
        labels: cash.days,
        series: cash.lines.map(({ currency, amounts }) => ({ label: currency ?? 'Cash', values: amounts })),
      })}
    </section>
    <div class="grid">
      ${owedSection('Receivables', 'invoices', 'customer', books.receivables ?? [], realmId, context)}
      ${owedSection('Payables', 'bills', 'vendor', books.payables ?? [], realmId, context)}
    </div>
    <section class="sheet flush">
      <h2>Last changes</h2>
      ${changes.length === 0 ? html`<p class="padded quiet">Nothing has changed yet.</p>` : changeTable(changes, null, context)}
    </section>
  `
}

function figure(label: string, value: Child): Markup {
  return html`<div>
    <dt class="label">${label}</dt>
    <dd class="value">${value}</dd>
  </div>`
}

function owedFigure(label: string, { open, overdue, currency }: OwedSums): Markup {
  return figure(
    label,
    html`${money(open, currency)} <small class="quiet block">${money(overdue, currency)} overdue</small>`,
  )
}

/** What somebody should look at, each with the way there. */
function attention(
  company: OperatedCompany,
  books: PortfolioCompany,
  { address }: PageContext,
): Markup | null {
  const { realmId } = company
  const to = (part: string) => linkTo(address, companyPath(realmId, part))
  const items: Child[] = [
    company.rejects > 0 &&
      html`<a href="${`${to('connection')}#rejects`}">${company.rejects} records could not be read</a>`,
    ...SHOWN_ENTITIES.map((entity) => {
      const { disappearance } = company.entities[entity]
      return (
        disappearance !== null &&
        html`<a href="${`${to('connection')}#doubts`}"
          >${disappearance.missing} of ${disappearance.held} ${ENTITY_WORDS[entity].many.toLowerCase()} seem
          to be gone</a
        >`
      )
    }),
    ...(books.receivables ?? []).map(
      ({ overdueCount, currency }) =>
        overdueCount > 0 &&
        html`<a
          href="${linkTo(address, companyPath(realmId, 'invoices'), { status: 'overdue', currency, sort: '-balance' })}"
          >${overdueCount} overdue invoices in ${currency}</a
        >`,
    ),
  ].filter((item) => item !== false)
  if (items.length === 0) return null
  return html`<section class="sheet">
    <h2>Look at</h2>
    <ul class="stack">
      ${items.map((item) => html`<li>${item}</li>`)}
    </ul>
  </section>`
}

function owedSection(
  title: string,
  list: 'invoices' | 'bills',
  party: 'customer' | 'vendor',
  sums: readonly OwedSums[],
  realmId: string,
  { address }: PageContext,
): Markup {
  return html`<section class="sheet">
    <h2>
      <a href="${linkTo(address, companyPath(realmId, list), { status: 'open', sort: 'dueDate' })}"
        >${title}</a
      >
    </h2>
    ${sums.length === 0 && html`<p class="quiet">Nothing is open.</p>`}
    ${sums.map(
      ({
        currency,
        open,
        ages,
        dueWithin7Days,
        dueWithin14Days,
        accountBalance,
        largestOverdue,
        count,
      }) => html`
        <div class="stack">
          <p class="lead">
            ${money(open, currency)} <span class="quiet">in ${count.toLocaleString('en')} open ${list}</span>
          </p>
          ${agesBar(ages, currency ?? '')}
          <dl class="facts">
            <dt>Due within 7 days</dt>
            <dd>${money(dueWithin7Days, currency)}</dd>
            <dt>Due within 14 days</dt>
            <dd>${money(dueWithin14Days, currency)}</dd>
            ${
              accountBalance !== null &&
              html`<dt>The accounts show</dt>
                <dd>${money(accountBalance, currency)}</dd>`
            }
          </dl>
          ${
            largestOverdue.length > 0 &&
            html`<h3>Largest overdue</h3>
              <dl class="facts">
                ${largestOverdue.map(
                  ({ counterpartyId, name, amount, oldestDueDate }) =>
                    html`<dt>
                        ${
                          counterpartyId === null
                            ? (name ?? 'Nobody')
                            : html`<a href="${linkTo(address, recordPath(realmId, party, counterpartyId))}"
                                >${name ?? `#${counterpartyId}`}</a
                              >`
                        }
                      </dt>
                      <dd>
                        ${money(amount, currency)} <small class="quiet">since ${day(oldestDueDate)}</small>
                      </dd>`,
                )}
              </dl>`
          }
        </div>
      `,
    )}
    ${sums.length > 0 && agesLegend()}
  </section>`
}
