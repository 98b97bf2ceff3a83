import { z } from 'zod'
import { readTimeline, type TimelineEntry } from '../../books/timeline.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { instant, oneOf, realmId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { changed, linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import { companyPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { choiceField, filterForm } from '../parts/forms.ts'
import { table } from '../parts/table.ts'
import { ago } from '../parts/time.ts'
import { companyPage } from './company-frame.ts'

const PARAMS = z.strictObject({ realmId })
const QUERY = z.strictObject({
  ...MOMENT_FIELDS,
  of: oneOf(['people', 'runs', 'rejects']).optional(),
  before: instant.nullable().default(null),
})
const ENTRIES_A_PAGE = 100

/** What people and the service did to a company, in one list. Runs that found nothing new are left out. */
export function addTimelinePage(pages: Pages, options: ConsoleOptions): void {
  addPage(pages, companyPath(':realmId', 'timeline'), async (request, context) => {
    const { realmId } = readParams(request, PARAMS)
    const { of, before, asOf } = readForm(request, QUERY)
    const company = await showCompany(options, realmId)
    const entries = await readTimeline(options.database, {
      realmId,
      of: of ?? null,
      before: before ?? asOf,
      limit: ENTRIES_A_PAGE,
    })
    const last = entries.at(-1)
    return companyPage(company, context, {
      tab: 'timeline',
      isLive: true,
      body: html`<section class="sheet flush">
        ${filterForm(
          context.address,
          ['of'],
          choiceField(context.address, 'of', 'Of', [
            ['', 'everything'],
            ['people', 'what people did'],
            ['runs', 'runs'],
            ['rejects', 'rejected records'],
          ]),
        )}
        ${entries.length === 0 ? html`<div class="empty"><p class="lead">Nothing happened yet.</p></div>` : list(entries, context)}
        ${
          entries.length === ENTRIES_A_PAGE &&
          last &&
          html`<nav class="pager" aria-label="Pages">
            <span></span>
            <a class="button" rel="next" href="${changed(context.address, { before: last.at.toISOString() })}"
              >Earlier</a
            >
          </nav>`
        }
      </section>`,
    })
  })
}

function list(entries: readonly TimelineEntry[], context: PageContext): Markup {
  return table<TimelineEntry>({
    caption: 'What happened, newest first',
    address: null,
    rows: entries,
    columns: [
      { label: 'When', cell: ({ at }) => ago(at, context) },
      {
        label: 'What',
        cell: ({ what, runId, detail }) =>
          html`${runId === null ? what : html`<a href="${linkTo(context.address, `/console/runs/${runId}`)}">${what}</a>`}
          ${detail !== null && html`<small class="quiet block">${detail}</small>`}`,
      },
      { label: 'By', cell: ({ by }) => by },
    ],
  })
}
