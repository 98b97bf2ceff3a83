import { z } from 'zod'
import { LISTS } from '../../books/lists.ts'
import { subtract, isZero } from '../../books/versions/decimals.ts'
import type { SideBySide } from '../../books/versions/diff.ts'
import type { HeldVersion } from '../../books/versions/held-version.ts'
import { pathWords } from '../../books/versions/path-words.ts'
import { layOut } from '../../books/versions/read-versions.ts'
import type { Entity } from '../../domain/entity.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { flag, instant, qboId, realmId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { changed, linkTo } from '../address.ts'
import { companyPage } from '../company/company-frame.ts'
import type { PageContext } from '../context.ts'
import { companyPath, ENTITY_WORDS, recordPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { money } from '../parts/money.ts'
import { clock } from '../parts/time.ts'
import { valueText } from '../parts/value.ts'

const PARAMS = z.strictObject({ realmId, qboId })
const QUERY = z.strictObject({
  ...MOMENT_FIELDS,
  from: instant.nullable().default(null),
  to: instant.nullable().default(null),
  all: flag,
})

/** Any two versions of a record side by side: what differs, or everything. */
export function addComparePage(pages: Pages, options: ConsoleOptions, entity: Entity): void {
  addPage(pages, companyPath(':realmId', `${LISTS[entity]}/:qboId/compare`), async (request, context) => {
    const record = { entity, ...readParams(request, PARAMS) }
    const { from, to, all } = readForm(request, QUERY)
    const company = await showCompany(options, record.realmId)
    // The earlier one is on the left, whichever was chosen first.
    const [first, second] = from !== null && to !== null && from > to ? [to, from] : [from, to]
    const comparison = await layOut(options.database, record, { from: first, to: second })
    const { rows, summary, before, after } = comparison
    const shown = all ? rows : rows.filter(({ differs }) => differs)
    const path = linkTo(context.address, recordPath(record.realmId, entity, record.qboId))
    return companyPage(company, context, {
      tab: LISTS[entity],
      title: `Two versions of ${ENTITY_WORDS[entity].one.toLowerCase()} ${record.qboId}`,
      body: html`<section class="sheet flush">
        <header class="heading padded">
          <div>
            <h2>
              Two versions of <a href="${path}">${ENTITY_WORDS[entity].one.toLowerCase()} #${record.qboId}</a>
            </h2>
            <p class="lead">${summary}</p>
          </div>
          <a class="button no-print" href="${changed(context.address, { all: all ? null : true })}"
            >${all ? 'Only what differs' : 'All values'}</a
          >
        </header>
        ${amounts(before, after)} ${sides(shown, before, after, context)}
      </section>`,
    })
  })
}

function sides(
  rows: readonly SideBySide[],
  before: HeldVersion,
  after: HeldVersion,
  context: PageContext,
): Markup {
  return html`<div class="table">
    <table class="diff">
      <thead>
        <tr>
          <th scope="col">Value</th>
          <th scope="col">Earlier <small>seen ${clock(before.validFrom, context)}</small></th>
          <th scope="col">Later <small>seen ${clock(after.validFrom, context)}</small></th>
        </tr>
      </thead>
      <tbody>
        ${
          rows.length === 0 &&
          html`<tr>
            <td colspan="3">Nothing differs.</td>
          </tr>`
        }
        ${rows.map(
          ({ steps, path, before: was, after: is, differs }) =>
            html`<tr>
              <th scope="row" title="${path}">${pathWords(steps)}</th>
              <td class="${differs && 'before'}">${valueText(was, steps)}</td>
              <td class="${differs && 'after'}">${valueText(is, steps)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** By how much the amounts moved. */
function amounts(before: HeldVersion, after: HeldVersion): Markup | null {
  const moved = AMOUNTS.flatMap(({ field, label }) => {
    const [was, is] = [amountOf(before, field), amountOf(after, field)]
    if (was === null || is === null) return []
    const by = subtract(is, was)
    return isZero(by) ? [] : [{ label, by }]
  })
  if (moved.length === 0) return null
  return html`<p class="padded">
    ${moved.map(({ label, by }) => html`${label} ${by.startsWith('-') ? 'down' : 'up'} by <strong>${money(by.replace('-', ''), amountOf(after, 'currency'))}</strong>. `)}
  </p>`
}

const AMOUNTS = [
  { field: 'totalAmount', label: 'Total' },
  { field: 'balance', label: 'Open balance' },
  { field: 'currentBalance', label: 'Balance' },
]

function amountOf({ content }: HeldVersion, field: string): string | null {
  return (content as unknown as Readonly<Record<string, string | null | undefined>>)[field] ?? null
}
