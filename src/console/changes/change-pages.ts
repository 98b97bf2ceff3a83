import type { Request } from 'express'
import { z } from 'zod'
import { readChanges, type ChangesPage } from '../../books/changes/read-changes.ts'
import type { ListedChange } from '../../books/changes/listed-change.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import { placeOf, sealPlace } from '../../http/api/change-cursor.ts'
import { CHANGE_FILTERS } from '../../http/api/change-query.ts'
import { listOf } from '../../http/request/cursor.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { oneOf, realmId, rowId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { SyncRun } from '../../models/sync-run.ts'
import { readClientNames } from '../client.ts'
import { companyPage } from '../company/company-frame.ts'
import type { PageContext } from '../context.ts'
import { addSheet, csvPath, MOST_ROWS } from '../csv.ts'
import { companyPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { pager } from '../parts/pager.ts'
import { changeFilters, WITHIN } from './change-filters.ts'
import { changeTable } from './change-table.ts'

const PARAMS = z.strictObject({ realmId })
const CHANGES_A_PAGE = 50
const CHANGES_A_READ = 1000

/** What changed, newest first: of all clients, and of one. */
export function addChangePages(pages: Pages, options: ConsoleOptions): void {
  addPage(pages, '/console/changes', async (request, context) => {
    const answer = await readPage(options, request, null, CHANGES_A_PAGE)
    return {
      title: 'Changes',
      section: 'changes',
      hasMoments: true,
      isLive: true,
      body: html`
        <header class="heading"><h1>Changes</h1></header>
        ${await inbox(options, answer, { request, context, company: null })}
      `,
    }
  })
  addPage(pages, companyPath(':realmId', 'changes'), async (request, context) => {
    const { realmId } = readParams(request, PARAMS)
    const company = await showCompany(options, realmId)
    const answer = await readPage(options, request, realmId, CHANGES_A_PAGE)
    const body = await inbox(options, answer, { request, context, company: realmId })
    return companyPage(company, context, { tab: 'changes', body, isLive: true })
  })
  addSheet(pages, '/console/changes', (request) => sheetOf(options, request, null))
  addSheet(pages, companyPath(':realmId', 'changes'), (request) =>
    sheetOf(options, request, readParams(request, PARAMS).realmId),
  )
}

function queryOf(list: string) {
  return z.strictObject({
    ...CHANGE_FILTERS,
    ...MOMENT_FIELDS,
    within: oneOf(Object.keys(WITHIN) as [keyof typeof WITHIN])
      .nullable()
      .default(null),
    run: rowId.nullable().default(null),
    cursor: placeOf(list).nullable().default(null),
  })
}

async function readPage(
  { database }: ConsoleOptions,
  request: Request,
  of: string | null,
  limit: number,
  after: ChangesPage['reached'] = null,
): Promise<ChangesPage> {
  const query = readForm(request, queryOf(listOf(request, 'changes', of)))
  const { entity, change, counterparty, minAmount, within, run, asOf } = query
  const ran = run === null ? null : await SyncRun.query(database.knex).findById(run)
  if (run !== null && !ran) throw new LedgerError('not_found', `there is no run ${run}`)
  const now = database.clock.now()
  const since =
    ran?.startedAt.toISOString() ??
    query.since ??
    (within === null ? null : new Date(now.getTime() - WITHIN[within].hours * HOUR_MS).toISOString())
  return readChanges(database, {
    range: {
      realmId: ran?.realmId ?? of,
      entities: entity === null ? ENTITIES : [entity],
      order: 'desc',
      since,
      // At a moment of the past, later changes were not known.
      until: earliest(query.until, asOf, ran?.finishedAt ? endOf(ran.finishedAt) : null),
    },
    filter: { change, counterparty, minAmount, syncRunId: run },
    after: after ?? query.cursor,
    limit,
  })
}

const HOUR_MS = 3_600_000

/** Just after, since the end itself is left out. */
function endOf(moment: Date): string {
  return new Date(moment.getTime() + 1).toISOString()
}

function earliest(...moments: readonly (string | null)[]): string | null {
  return moments.filter((moment) => moment !== null).sort()[0] ?? null
}

async function inbox(
  { database }: ConsoleOptions,
  { changes, reached, hasMore }: ChangesPage,
  { request, context, company }: { request: Request; context: PageContext; company: string | null },
): Promise<Markup> {
  const names =
    company === null
      ? await readClientNames(
          database,
          changes.map(({ realmId }) => realmId),
        )
      : null
  const next = hasMore && reached ? sealPlace(reached, listOf(request, 'changes', company)) : null
  return html`<section class="sheet flush">
    ${changeFilters(context.address, csvPath(context.address))}
    ${changes.length === 0 ? nothing(context, next !== null) : changeTable(changes, names, context)}
    ${pager(context.address, next)}
  </section>`
}

function nothing({ address }: PageContext, hasMore: boolean): Markup {
  if (hasMore) {
    return html`<div class="empty">
      <p class="lead">Nothing among the changes looked at so far.</p>
      <p class="quiet">There are older ones: the next page goes on looking.</p>
    </div>`
  }
  const filtered = [...address.query.values()].some((value) => value !== '')
  return html`<div class="empty">
    <p class="lead">${filtered ? 'No changes match these filters.' : 'Nothing has changed yet.'}</p>
    ${filtered && html`<a class="button" href="${address.path}">Show all</a>`}
  </div>`
}

async function sheetOf(options: ConsoleOptions, request: Request, of: string | null) {
  const changes: ListedChange[] = []
  let page: ChangesPage | null = null
  do {
    page = await readPage(options, request, of, CHANGES_A_READ, page?.reached ?? null)
    changes.push(...page.changes)
  } while (page.hasMore && changes.length < MOST_ROWS)
  return {
    name: of === null ? 'changes of all clients' : `changes of ${of}`,
    columns: [
      'validFrom',
      'sourceValidFrom',
      'realmId',
      'entity',
      'qboId',
      'docNumber',
      'counterparty',
      'change',
      'summary',
      'txnDate',
      'currency',
      'totalAmountBefore',
      'totalAmountAfter',
      'balanceBefore',
      'balanceAfter',
      'syncRunId',
    ],
    rows: changes.map((row) => [
      row.validFrom,
      row.sourceValidFrom.toISOString(),
      row.realmId,
      row.entity,
      row.qboId,
      row.docNumber,
      row.counterparty ?? row.name,
      row.change,
      row.summary,
      row.txnDate,
      row.currency,
      row.totalAmount.before,
      row.totalAmount.after,
      row.balance.before,
      row.balance.after,
      row.syncRunId,
    ]),
    cutNote: page.hasMore ? `Only the newest ${MOST_ROWS} changes: narrow the list for the rest` : null,
  }
}
