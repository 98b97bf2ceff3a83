import type { Request } from 'express'
import { z } from 'zod'
import { GROUPS, type Group } from '../../books/portfolio/flags.ts'
import { readPortfolio, type Portfolio } from '../../books/portfolio/portfolio.ts'
import { PORTFOLIO_FIELDS } from '../../http/api/portfolio-routes.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { oneOf, textLike } from '../../http/request/fields.ts'
import { readForm } from '../../http/request/validate.ts'
import { changed } from '../address.ts'
import type { PageContext } from '../context.ts'
import { csvPath } from '../csv.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { agesLegend } from '../parts/ages.ts'
import { filterForm, textField } from '../parts/forms.ts'
import { tabs } from '../parts/tabs.ts'
import { COLUMNS, columnForm } from './portfolio-columns.ts'
import { addPortfolioSheet } from './portfolio-sheet.ts'
import { portfolioTable } from './portfolio-table.ts'

/** As the address of the page says it. */
export const PORTFOLIO_QUERY = z.strictObject({
  ...PORTFOLIO_FIELDS,
  ...MOMENT_FIELDS,
  state: oneOf(GROUPS).optional(),
  columns: z
    .union([oneOf(COLUMNS), z.array(oneOf(COLUMNS)).max(COLUMNS.length)])
    .transform((columns) => (typeof columns === 'string' ? [columns] : columns))
    .optional(),
  page: textLike(/^[1-9]\d{0,3}$/, 'must be a whole number from 1')
    .transform(Number)
    .default(1),
})

// One screen reads 500 clients at a glance, and a browser draws them at once; ten thousand it does not.
const ROWS_A_PAGE = 500

/** The first page: every client, worst first. */
export function addPortfolioPage(pages: Pages, options: ConsoleOptions): void {
  addPage(pages, '/console', async (request, context) => {
    const { portfolio, query } = await readFor(options, request)
    const shown = portfolio.data.slice((query.page - 1) * ROWS_A_PAGE, query.page * ROWS_A_PAGE)
    const pageCount = Math.ceil(portfolio.data.length / ROWS_A_PAGE)
    return {
      title: 'Clients',
      section: 'clients',
      hasMoments: true,
      isLive: true,
      body: html`
        <header class="heading">
          <div><h1>Clients</h1></div>
          ${agesLegend()}
        </header>
        ${groupTabs(portfolio.counts, query.state ?? null, context)}
        <section class="sheet flush">
          ${filters(context)}
          ${
            portfolio.data.length === 0
              ? nothing(portfolio, context)
              : portfolioTable(shown, portfolio.totals, query.columns ?? COLUMNS, context)
          }
          ${pageCount > 1 && pageLinks(query.page, pageCount, context)}
        </section>
      `,
    }
  })
  addPortfolioSheet(pages, async (request) => (await readFor(options, request)).portfolio)
}

async function readFor(options: ConsoleOptions, request: Request) {
  const query = readForm(request, PORTFOLIO_QUERY)
  const { asOf, sourceAsOf, flag, tag, search, state, sort } = query
  const portfolio = await readPortfolio(options, {
    moment: { asOf, sourceAsOf },
    filters: { flag, tag, search, group: state },
    order: sort,
  })
  return { portfolio, query }
}

const GROUP_WORDS: Readonly<Record<Group, string>> = {
  action: 'Needs action',
  late: 'Late',
  first: 'First sync',
  fine: 'Fine',
  off: 'Off',
}

function groupTabs(counts: Portfolio['counts'], current: Group | null, { address }: PageContext): Markup {
  const to = (state: Group | null) => changed(address, { state, page: null })
  return tabs('Clients by state', [
    { label: 'All', href: to(null), isCurrent: current === null, count: counts.all },
    // Those that are off are seldom any, and then a tab would only take room.
    ...GROUPS.filter((group) => group !== 'off' || counts.off > 0 || current === 'off').map((group) => ({
      label: GROUP_WORDS[group],
      href: to(group),
      isCurrent: group === current,
      count: counts[group],
    })),
  ])
}

function filters({ address }: PageContext): Markup {
  return filterForm(
    address,
    ['search', 'tag'],
    html`${textField(address, 'search', 'Name or realm id', { type: 'search' })}
    ${textField(address, 'tag', 'Tag', { size: 12 })}`,
    html`<span class="row push"
      >${columnForm(address)} <a class="button" href="${csvPath(address)}">CSV</a></span
    >`,
  )
}

function nothing({ counts }: Portfolio, { address }: PageContext): Markup {
  const isFiltered = ['search', 'tag', 'flag', 'state'].some((name) => (address.query.get(name) ?? '') !== '')
  if (isFiltered || counts.all > 0) {
    return html`<div class="empty">
      <p class="lead">No clients match.</p>
      <a class="button" href="${address.path}">Show all</a>
    </div>`
  }
  return html`<div class="empty">
    <h2>No clients yet</h2>
    <p class="lead">Register the first company, and its books appear here within a minute.</p>
    <pre>
curl -X PUT -H "Authorization: Bearer $ADMIN_TOKEN" -H "Content-Type: application/json" \\
  -d '{"refreshToken": "…"}' …/admin/companies/REALM_ID</pre>
  </div>`
}

function pageLinks(page: number, pageCount: number, { address }: PageContext): Markup {
  const to = (next: number) => changed(address, { page: next === 1 ? null : next })
  return html`<nav class="pager" aria-label="Pages">
    ${page > 1 ? html`<a class="button" rel="prev" href="${to(page - 1)}">Previous page</a>` : html`<span></span>`}
    <span class="quiet">Page ${page} of ${pageCount}</span>
    ${page < pageCount && html`<a class="button" rel="next" href="${to(page + 1)}">Next page</a>`}
  </nav>`
}
