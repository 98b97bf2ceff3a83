import { z } from 'zod'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { readOpenRejects, readRejectGroups, type RejectGroup } from '../../http/rejects/read-reject-groups.ts'
import { retryChosenRejects } from '../../http/rejects/retry-rejects.ts'
import { cursorAfter, cursorOf } from '../../http/request/cursor.ts'
import { ROW_ID_DIGITS, rowId, textLike } from '../../http/request/fields.ts'
import { readForm, readFilledBody } from '../../http/request/validate.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import type { SyncReject } from '../../models/sync-reject.ts'
import { changed } from '../address.ts'
import { clientColumn, readClientNames } from '../client.ts'
import type { PageContext } from '../context.ts'
import { doerOf } from '../doer.ts'
import { ENTITY_WORDS } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addAction, addPage, type Pages } from '../pages.ts'
import { confirmedButton } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { stateMark } from '../parts/state.ts'
import { table } from '../parts/table.ts'
import { ago } from '../parts/time.ts'
import { rejectedColumns, rejectedLink, rejectedWords } from '../rejected.ts'
import { adviceOf, toneOf } from '../remedy.ts'
import { runTabs } from './run-tabs.ts'

const PATH = '/console/runs/rejects'
const LIST = 'rejects of all clients'
const A_PAGE = 100
const CHOSEN = 'rejects-again'
const group = textLike(/^[0-9a-f]{32}$/, 'must be a reason as this page links to it').optional()
const QUERY = z.strictObject({
  ...MOMENT_FIELDS,
  group,
  cursor: cursorOf(LIST, ROW_ID_DIGITS),
  /** How many records are tried again by what was just asked for. */
  asked: rowId.optional(),
})
const AGAIN = z.strictObject({ group, id: z.union([rowId, z.array(rowId).max(1000)]).optional() })

/** The records of all clients that could not be taken into the mirror: by reason, and each. */
export function addRejectPages(pages: Pages, options: ConsoleOptions): void {
  const { database } = options
  addPage(pages, PATH, async (request, context) => {
    const { group, cursor, asked } = readForm(request, QUERY)
    const groups = await readRejectGroups(database)
    const read = await readOpenRejects(database, { group, cursor, most: A_PAGE + 1 })
    const rejects = read.slice(0, A_PAGE)
    const names = await readClientNames(
      database,
      rejects.map(({ realmId }) => realmId),
    )
    const next = read.length > A_PAGE ? cursorAfter(LIST, rejects.at(-1)!.id) : null
    return {
      title: 'Rejected records',
      section: 'runs',
      isLive: true,
      body: html`
        <header class="heading"><h1>Rejected records</h1></header>
        ${runTabs('rejects', context)} ${asked !== undefined && askedNotice(asked)}
        ${groups.length === 0 ? noRejects() : groupSection(groups, group, context)}
        ${rejects.length > 0 && recordSection(rejects, names, context)} ${pager(context.address, next)}
      `,
    }
  })
  addAction(pages, `${PATH}/again`, async (request, response) => {
    const { group, id = [] } = readFilledBody(request, AGAIN)
    const ids = typeof id === 'number' ? [id] : id
    if (group !== undefined && ids.length > 0) {
      throw new LedgerError('invalid_request', 'body: choose records or a reason, not both')
    }
    const by = doerOf(response)
    const { rejects, companies } = await retryChosenRejects(
      options,
      group === undefined ? { ids } : { group },
      by,
    )
    options.log.info('rejected records tried again', { rejects, companies, ...by })
    return `${PATH}?asked=${rejects}`
  })
}

function askedNotice(asked: number): Markup {
  return asked === 0
    ? html`<p class="notice heals" role="status">
        Nothing is tried again: no record was chosen, or its client is paused, disconnected or needs a
        reconnect.
      </p>`
    : html`<p class="notice fine" role="status">
        ${asked === 1 ? 'One record is' : `${asked.toLocaleString('en')} records are`} tried again with the
        next run of their clients, which was asked for.
      </p>`
}

function noRejects(): Markup {
  return html`<section class="sheet">
    <p>${stateMark('fine', 'None rejected')} Every record of every client could be read.</p>
  </section>`
}

function groupSection(
  groups: readonly RejectGroup[],
  chosen: string | undefined,
  { address, ...context }: PageContext,
): Markup {
  return html`<section class="sheet flush">
    <header class="heading padded">
      <h2>By reason</h2>
      ${chosen !== undefined && html`<a class="button" href="${changed(address, { group: null, asked: null })}">All reasons</a>`}
    </header>
    ${table<RejectGroup>({
      caption: 'Reasons, those of most records first',
      address: null,
      rows: groups,
      columns: [
        {
          label: 'Reason',
          cell: ({ group, code, reason, entity }) =>
            html`<a
                href="${changed(address, { group, asked: null })}"
                ${group === chosen && html`aria-current="true"`}
                >${ENTITY_WORDS[entity].many}: ${reason}</a
              >
              <small class="quiet block">${stateMark(toneOf(code), code.replaceAll('_', ' '))}</small>`,
        },
        { label: 'What to do', folds: true, cell: ({ code }) => adviceOf(code) },
        { label: 'Records', isNumber: true, cell: ({ rejects }) => rejects.toLocaleString('en') },
        { label: 'Clients', isNumber: true, cell: ({ companies }) => companies.toLocaleString('en') },
        { label: 'Since', folds: true, cell: ({ since }) => ago(since, { address, ...context }) },
        { label: 'Next try', folds: true, cell: ({ nextTry }) => ago(nextTry, { address, ...context }) },
        {
          label: 'Try again',
          cell: ({ group, companies }) =>
            confirmedButton(
              'Again…',
              html`Asks for a run of
              ${companies === 1 ? 'the one client' : `each of the ${companies} clients`}; where a record is
              known by its place alone, for a full one.`,
              html`<form method="post" action="${PATH}/again">
                <input type="hidden" name="group" value="${group}" /><button>Try them all again</button>
              </form>`,
            ),
        },
      ],
    })}
  </section>`
}

function recordSection(
  rejects: readonly SyncReject[],
  names: ReadonlyMap<string, string>,
  context: PageContext,
): Markup {
  const { address } = context
  return html`<section class="sheet flush">
    <header class="heading padded">
      <h2>Records</h2>
      <form method="post" action="${PATH}/again" id="${CHOSEN}"><button>Try those chosen again</button></form>
    </header>
    ${table<SyncReject>({
      caption: 'Rejected records, newest first',
      address: null,
      rows: rejects,
      columns: [
        {
          label: 'Record',
          cell: (reject) =>
            html`<input
                type="checkbox"
                name="id"
                value="${reject.id}"
                form="${CHOSEN}"
                aria-label="Choose ${rejectedWords(reject)} of ${names.get(reject.realmId) ?? reject.realmId}"
              />
              ${rejectedLink(reject, address)}`,
        },
        clientColumn<SyncReject>(names, address),
        ...rejectedColumns(context),
        { label: 'Next try', folds: true, cell: ({ retryAt }) => ago(retryAt, context) },
        {
          label: 'Intuit’s id',
          folds: true,
          cell: ({ intuitTid }) => intuitTid !== null && html`<code title="intuit_tid">${intuitTid}</code>`,
        },
      ],
    })}
  </section>`
}
