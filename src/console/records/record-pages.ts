import { z } from 'zod'
import { LISTS } from '../../books/lists.ts'
import { readPayload, type HeldPayload } from '../../books/read-payload.ts'
import { readRecord } from '../../books/read-record.ts'
import type { ShownRecord } from '../../books/shown-record.ts'
import type { Mirror } from '../../books/standing.ts'
import { readVersions } from '../../books/versions/read-versions.ts'
import type { Entity } from '../../domain/entity.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import { isJsonObject, parseJson, type JsonObject } from '../../domain/parse-json.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { cursorAfter, cursorOf } from '../../http/request/cursor.ts'
import { qboId, realmId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { changed } from '../address.ts'
import { companyPage } from '../company/company-frame.ts'
import { nothingYet } from '../company/nothing-yet.ts'
import type { PageContext } from '../context.ts'
import { companyPath, ENTITY_WORDS, SHOWN_ENTITIES } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { pager } from '../parts/pager.ts'
import { addComparePage } from './compare-page.ts'
import { accountChart } from './account-chart.ts'
import { otherFields } from './other-fields.ts'
import { recordHead } from './record-head.ts'
import { recordName } from './record-name.ts'
import { recordLines } from './record-lines.ts'
import { versionsOf } from './record-versions.ts'

const PARAMS = z.strictObject({ realmId, qboId })
// Microseconds since 1970, up to the year 9999.
const MICROS_DIGITS = 18
const VERSIONS_A_PAGE = 50

/** One record at the moment chosen, and every version of it. */
export function addRecordPages(pages: Pages, options: ConsoleOptions): void {
  for (const entity of SHOWN_ENTITIES) {
    addComparePage(pages, options, entity)
    addRecordPage(pages, options, entity)
  }
}

function addRecordPage(pages: Pages, options: ConsoleOptions, entity: Entity): void {
  addPage(pages, companyPath(':realmId', `${LISTS[entity]}/:qboId`), async (request, context) => {
    const record = { entity, ...readParams(request, PARAMS) }
    const list = `${record.realmId}/${entity}/${record.qboId}/versions`
    const { cursor } = readForm(
      request,
      z.strictObject({ ...MOMENT_FIELDS, cursor: cursorOf(list, MICROS_DIGITS) }),
    )
    const { database } = options
    const { moment } = context
    const company = await showCompany(options, record.realmId)
    const shown = await whatIsHeld(() => readRecord(options, { ...record, moment }))
    if (typeof shown === 'string') {
      return companyPage(company, context, { tab: LISTS[entity], body: nothingYet(shown) })
    }
    const payload = await readPayload(database, { ...record, moment })
    const { versions, next } = await readVersions(database, record, {
      after: cursor,
      limit: VERSIONS_A_PAGE,
      descending: true,
      moment,
    })
    const nextCursor = next === null ? null : cursorAfter(list, next)
    return companyPage(company, context, {
      tab: LISTS[entity],
      title: `${ENTITY_WORDS[entity].one} ${recordName(shown)}`,
      isLive: true,
      body: html`
        <article class="record">
          ${recordHead(entity, shown, context)} ${steps(payload, context)}
          ${entity === 'balance' && (await accountChart(options, shown, context, company.timeZone))}
          ${recordLines(shown)} ${otherFields(entity, shown, rawOf(payload), context)}
        </article>
        ${versionsOf(entity, shown, versions, context)} ${pager(context.address, nextCursor)}
        ${proof(shown, payload)}
      `,
    })
  })
}

/** A record of books that were not yet read is not missing. @returns why nothing is shown, in words. */
async function whatIsHeld(
  read: () => Promise<ShownRecord & { readonly mirror: Mirror }>,
): Promise<(ShownRecord & { readonly mirror: Mirror }) | string> {
  try {
    return await read()
  } catch (thrown) {
    if (thrown instanceof LedgerError && thrown.code === 'never_synced') return thrown.message
    throw thrown
  }
}

function rawOf({ text }: HeldPayload): JsonObject {
  const raw = parseJson(text)
  return isJsonObject(raw) ? raw : {}
}

/** To the version before and after, which is the same page at another moment. */
function steps({ olderFrom, newerFrom }: HeldPayload, { address, moment }: PageContext): Markup | null {
  const isPast = moment.asOf !== null || moment.sourceAsOf !== null
  if (olderFrom === null && newerFrom === null) return null
  const at = (asOf: string) => changed(address, { asOf, sourceAsOf: null })
  return html`<nav class="row no-print" aria-label="Versions one by one">
    ${olderFrom !== null && html`<a class="button" data-key="[" rel="prev" href="${at(olderFrom)}">← Older version</a>`}
    ${newerFrom !== null && isPast && html`<a class="button" data-key="]" rel="next" href="${at(newerFrom)}">Newer version →</a>`}
  </nav>`
}

/** Where it comes from, for whoever has to show it to somebody. */
function proof({ realmId, qboId, syncToken }: ShownRecord, held: HeldPayload): Markup {
  const { text, validFrom, sourceValidFrom, syncRunId, contentHash } = held
  return html`<section class="sheet">
    <h2>Where this comes from</h2>
    <dl class="facts">
      <dt>Realm and Id</dt>
      <dd><code>${realmId}</code> / <code>${qboId}</code>, SyncToken <code>${syncToken ?? 'none'}</code></dd>
      <dt>In QuickBooks since</dt>
      <dd><code>${sourceValidFrom.toISOString()}</code></dd>
      <dt>Seen here since</dt>
      <dd><code>${validFrom}</code> by <a href="/console/runs/${syncRunId}">run ${syncRunId}</a></dd>
      <dt>Digest of the content</dt>
      <dd><code>${contentHash}</code> <small class="quiet">SHA-256 of its canonical form</small></dd>
    </dl>
    <details class="raw">
      <summary>QuickBooks’ own record, with every digit</summary>
      <pre>${text}</pre>
    </details>
  </section>`
}
