import { z } from 'zod'
import { readTimeline, TIMELINE_PARTS, type TimelineEntry } from '../../books/timeline.ts'
import { sentence } from '../../books/versions/plain-words.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { instant, oneOf, realmId, textLike } from '../../http/request/fields.ts'
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
  of: oneOf(TIMELINE_PARTS).optional(),
  before: instant.nullable().default(null),
  // The entry that the page before ended with, among those of its moment.
  key: textLike(/^[ejrs]\d{20}$/, 'is not an entry of this list').default(''),
})
const ENTRIES_A_PAGE = 100

/** What people and the service did to a company, in one list. Runs that found nothing new are left out. */
export function addTimelinePage(pages: Pages, options: ConsoleOptions): void {
  addPage(pages, companyPath(':realmId', 'timeline'), async (request, context) => {
    const { realmId } = readParams(request, PARAMS)
    const { of, before, key, asOf } = readForm(request, QUERY)
    const company = await showCompany(options, realmId)
    const entries = await readTimeline(options.database, {
      realmId,
      of: of ?? null,
      after: before === null && asOf === null ? null : { at: before ?? asOf!, key },
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
            <a
              class="button"
              rel="next"
              href="${changed(context.address, { before: last.place.at, key: last.place.key })}"
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
      { label: 'What', cell: (entry) => what(entry, context) },
      { label: 'By', cell: ({ by }) => by },
    ],
  })
}

function what({ kind, name, about, detail, runId }: TimelineEntry, { address }: PageContext): Markup {
  const words = wordsOf({ kind, name, about, runId })
  return html`${runId === null ? words : html`<a href="${linkTo(address, `/console/runs/${runId}`)}">${words}</a>`}
  ${detail !== null && html`<small class="quiet block">${kind === 'event' ? eventDetail(detail) : detail}</small>`}`
}

function wordsOf({
  kind,
  name,
  about,
  runId,
}: Pick<TimelineEntry, 'kind' | 'name' | 'about' | 'runId'>): string {
  switch (kind) {
    case 'event':
      return sentence(name.replaceAll('_', ' '))
    case 'run':
      return `Run ${runId}: ${about}, ${name}`
    case 'rejected':
    case 'settled':
      return sentence(`${name}${about === null ? '' : ` #${about}`} ${kind}`)
  }
}

/** `from: active`; `name: Before → After`. */
function eventDetail(json: string): string {
  const detail = JSON.parse(json) as Readonly<Record<string, unknown>>
  return Object.entries(detail)
    .map(
      ([name, value]) =>
        `${name}: ${isChange(value) ? `${plain(value.from)} → ${plain(value.to)}` : plain(value)}`,
    )
    .join('; ')
}

function isChange(value: unknown): value is { readonly from: unknown; readonly to: unknown } {
  return typeof value === 'object' && value !== null && 'from' in value && 'to' in value
}

function plain(value: unknown): string {
  if (value === null || value === '') return 'nothing'
  if (Array.isArray(value)) return value.map(plain).join(', ') || 'nothing'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
