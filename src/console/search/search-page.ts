import { z } from 'zod'
import {
  MOST_FOUND,
  search,
  type Found,
  type FoundCompany,
  type FoundRecord,
  type FoundRun,
} from '../../books/search.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { plainText } from '../../http/request/fields.ts'
import { readForm } from '../../http/request/validate.ts'
import { linkTo } from '../address.ts'
import { clientLink } from '../client.ts'
import type { PageContext } from '../context.ts'
import { ENTITY_WORDS, recordPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { money } from '../parts/money.ts'
import { table } from '../parts/table.ts'
import { ago, day } from '../parts/time.ts'

const QUERY = z.strictObject({ ...MOMENT_FIELDS, q: plainText(100).nullable().default(null) })

/** One field for everything that has a name, a number, an amount or an id. */
export function addSearchPage(pages: Pages, { database }: ConsoleOptions): void {
  addPage(pages, '/console/search', async (request, context) => {
    const { q } = readForm(request, QUERY)
    const wanted = q?.trim() ?? ''
    const found = wanted === '' ? null : await search(database, wanted, context.moment)
    return {
      title: wanted === '' ? 'Search' : `${wanted} · Search`,
      section: 'search',
      hasMoments: true,
      body: html`
        <header class="heading"><h1>${wanted === '' ? 'Search' : html`Search for “${wanted}”`}</h1></header>
        ${found === null ? hints() : results(found, context)}
      `,
    }
  })
}

function hints(): Markup {
  return html`<section class="sheet">
    <p class="lead">
      A client or its realm id, a vendor, customer or account, a document by its number, amount or Id, a run
      by its id or by Intuit’s id of a call.
    </p>
  </section>`
}

function results(found: Found, context: PageContext): Markup {
  const { companies, named, documents, runs } = found
  const isNothing = [companies, named, documents, runs].every(({ length }) => length === 0)
  if (isNothing) {
    return html`<section class="sheet">
      <div class="empty">
        <p class="lead">Nothing is called that.</p>
        <p class="quiet">Numbers, amounts and ids are looked for as a whole, names by any part of them.</p>
      </div>
    </section>`
  }
  return html`
    ${companies.length > 0 && group('Clients', companies.length, companyTable(companies, context))}
    ${documents.length > 0 && group('Bills and invoices', documents.length, recordTable(documents, context))}
    ${named.length > 0 && group('Vendors, customers and accounts', named.length, recordTable(named, context))}
    ${runs.length > 0 && group('Runs', runs.length, runTable(runs, context))}
  `
}

function group(title: string, count: number, body: Markup): Markup {
  return html`<section class="sheet flush">
    <h2>${title}</h2>
    ${body}
    ${count === MOST_FOUND && html`<p class="padded quiet">Only ${MOST_FOUND} are shown: say more of it, or look in the client’s lists.</p>`}
  </section>`
}

function companyTable(companies: readonly FoundCompany[], { address }: PageContext): Markup {
  return table<FoundCompany>({
    caption: 'Clients',
    address: null,
    rows: companies,
    columns: [
      {
        label: 'Client',
        cell: (company) => clientLink(company, address),
      },
      { label: 'Realm', cell: ({ realmId }) => html`<code>${realmId}</code>` },
      { label: 'Status', cell: ({ status }) => status.replace('_', ' ') },
    ],
  })
}

function recordTable(records: readonly FoundRecord[], { address }: PageContext): Markup {
  return table<FoundRecord>({
    caption: 'Records',
    address: null,
    rows: records,
    isGone: ({ isDeleted }) => isDeleted,
    columns: [
      {
        label: 'Record',
        cell: ({ realmId, entity, qboId, label }) =>
          html`<a href="${linkTo(address, recordPath(realmId, entity, qboId))}"
            >${ENTITY_WORDS[entity].one} ${label ?? `#${qboId}`}</a
          >`,
      },
      {
        label: 'Client',
        cell: ({ realmId, companyName }) => clientLink({ realmId, name: companyName }, address),
      },
      { label: 'Party', folds: true, cell: ({ counterparty }) => counterparty },
      { label: 'Date', folds: true, cell: ({ txnDate }) => day(txnDate) },
      { label: 'Amount', isNumber: true, cell: ({ amount, currency }) => money(amount, currency) },
    ],
  })
}

function runTable(runs: readonly FoundRun[], context: PageContext): Markup {
  return table<FoundRun>({
    caption: 'Runs',
    address: null,
    rows: runs,
    columns: [
      {
        label: 'Run',
        cell: ({ id }) => html`<a href="${linkTo(context.address, `/console/runs/${id}`)}">Run ${id}</a>`,
      },
      {
        label: 'Client',
        cell: ({ companyName, realmId }) => clientLink({ realmId, name: companyName }, context.address),
      },
      { label: 'Started', cell: ({ startedAt }) => ago(startedAt, context) },
      {
        label: 'Outcome',
        cell: ({ status, code }) => [status, code].filter((word) => word !== null).join(' · '),
      },
    ],
  })
}
