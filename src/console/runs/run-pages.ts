import type { Response } from 'express'
import { z } from 'zod'
import { rowsOf } from '../../db/database.ts'
import { ERROR_CODES, LedgerError } from '../../domain/ledger-error.ts'
import { RUN_STATUSES, TRIGGERS } from '../../domain/sync-run.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { cursorAfter, cursorOf } from '../../http/request/cursor.ts'
import { oneOf, realmId, ROW_ID_DIGITS, rowId } from '../../http/request/fields.ts'
import { readBody, readFilledBody, readForm, readParams } from '../../http/request/validate.ts'
import { readCauses, type Cause } from '../../http/runs/read-causes.ts'
import { createHours, type Hour } from '../../http/runs/read-hours.ts'
import { readCompaniesOfRuns, readRuns, RUN_FILTERS } from '../../http/runs/read-runs.ts'
import { Company } from '../../models/company.ts'
import { SyncRun } from '../../models/sync-run.ts'
import { changed } from '../address.ts'
import { readClientNames } from '../client.ts'
import type { PageContext } from '../context.ts'
import { doerOf } from '../doer.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addAction, addPage, type Pages } from '../pages.ts'
import { choiceField, confirmedButton, filterForm, textField } from '../parts/forms.ts'
import { lineChart } from '../parts/line-chart.ts'
import { pager } from '../parts/pager.ts'
import { stateMark } from '../parts/state.ts'
import { table } from '../parts/table.ts'
import { ago, clock } from '../parts/time.ts'
import { adviceOf, toneOf } from '../remedy.ts'
import { readNextTries } from './next-tries.ts'
import { runBody } from './run-body.ts'
import { isWorthTrying, runTable } from './run-table.ts'
import { runTabs } from './run-tabs.ts'

const LIST = 'runs of all clients'
const RUNS_A_PAGE = 50
const DAY_MS = 24 * 3_600_000
const QUERY = z.strictObject({
  ...MOMENT_FIELDS,
  status: RUN_FILTERS.status,
  trigger: RUN_FILTERS.trigger,
  code: RUN_FILTERS.code,
  realmId: RUN_FILTERS.realmId,
  cursor: cursorOf(LIST, ROW_ID_DIGITS),
  /** Of how many clients a run has just been asked for. */
  asked: rowId.optional(),
})
const AGAIN = z.strictObject({
  code: oneOf(ERROR_CODES).optional(),
  realmId: z.union([realmId, z.array(realmId).max(1000)]).optional(),
})
const MATCHING = z.strictObject({
  status: RUN_FILTERS.status,
  trigger: RUN_FILTERS.trigger,
  code: RUN_FILTERS.code,
  realmId: RUN_FILTERS.realmId,
})
const CHOSEN = 'again'

/** Runs and failures of all clients: first why runs failed, then the runs; and each run. */
export function addRunPages(pages: Pages, options: ConsoleOptions): void {
  const { database } = options
  const readHours = createHours(database)
  addPage(pages, '/console/runs', async (request, context) => {
    const query = readForm(request, QUERY)
    const causes = await readCauses(database, new Date(context.now.getTime() - DAY_MS))
    const { status, trigger, code, realmId: of, cursor, asked } = query
    const filters = { status, trigger, code, realmId: of }
    const read = await readRuns(database.knex, { ...filters, cursor, most: RUNS_A_PAGE + 1 })
    const runs = read.slice(0, RUNS_A_PAGE)
    const realmIds = runs.map((run) => run.realmId)
    const names = await readClientNames(database, realmIds)
    const nextTries = await readNextTries(database, realmIds)
    const hours = await readHours({
      since: new Date(context.now.getTime() - DAY_MS),
      until: context.now,
    })
    // Without a filter it would be everybody: that is no answer to a failure.
    const isFiltered = Object.values(filters).some((value) => value !== undefined)
    const matching = isFiltered ? (await readCompaniesOfRuns(database.knex, filters)).length : 0
    const next = read.length > RUNS_A_PAGE ? cursorAfter(LIST, runs.at(-1)!.id) : null
    return {
      title: 'Runs and failures',
      section: 'runs',
      isLive: true,
      body: html`
        <header class="heading"><h1>Runs and failures</h1></header>
        ${runTabs('runs', context)} ${asked !== undefined && askedNotice(asked)}
        ${causeSection(causes, context)} ${hourSection(hours, context)}
        <section class="sheet flush">
          <h2>Runs</h2>
          ${filterFields(context)} ${runs.some(isWorthTrying) && againForms(filters, matching)}
          ${
            runs.length === 0
              ? html`<div class="empty"><p class="lead">No runs match.</p></div>`
              : runTable({ runs, names, nextTries, chosenFor: CHOSEN }, context)
          }
          ${pager(context.address, next)}
        </section>
      `,
    }
  })
  // Before the page of one run: `again` would be taken for its id.
  addAction(pages, '/console/runs/again', async (request, response) => {
    const { code, realmId: chosen = [] } = readBody(request, AGAIN)
    const failed = code === undefined ? [] : await failing(options, code)
    return ask([...(typeof chosen === 'string' ? [chosen] : chosen), ...failed], {}, response)
  })
  addAction(pages, '/console/runs/again/matching', async (request, response) => {
    const filters = readFilledBody(request, MATCHING)
    if (Object.keys(filters).length === 0) {
      throw new LedgerError('invalid_request', 'body: choose an outcome, a cause, a reason or a client first')
    }
    return ask(await readCompaniesOfRuns(database.knex, filters), filters, response)
  })

  /** Asks for a run of each. @returns the page that says so. */
  async function ask(
    realmIds: readonly string[],
    filters: Readonly<Record<string, string | undefined>>,
    response: Response,
  ): Promise<string> {
    const by = doerOf(response)
    const distinct = [...new Set(realmIds)]
    const asked =
      distinct.length === 0 ? 0 : (await options.requestSync(distinct, { mode: 'incremental', by })).size
    options.log.info('clients tried again', { asked, chosen: distinct.length, ...by })
    return changed({ path: '/console/runs', query: new URLSearchParams() }, { ...defined(filters), asked })
  }

  addPage(pages, '/console/runs/:id', async (request, context) => {
    const { id } = readParams(request, z.strictObject({ id: rowId }))
    readForm(request, z.strictObject(MOMENT_FIELDS))
    const run = await SyncRun.query(database.knex).findById(id)
    if (!run) throw new LedgerError('not_found', `there is no run ${id}`)
    const company = await Company.query(database.knex).findById(run.realmId)
    const title = `Run ${id}`
    return {
      title,
      section: 'runs',
      isLive: run.status === 'running',
      body: runBody(run, company ?? null, options.version, context),
    }
  })
}

/** Active companies whose latest failures are of this cause; the others could not be tried. */
async function failing({ database }: ConsoleOptions, code: string): Promise<string[]> {
  const rows = await rowsOf<{ realmId: string }>(
    database.knex,
    `SELECT c.realm_id AS "realmId"
       FROM companies c
      WHERE c.status = 'active' AND :code IN (c.failing_code, c.not_before_code, c.status_code)`,
    { code },
  )
  return rows.map(({ realmId }) => realmId)
}

function causeSection(causes: readonly Cause[], context: PageContext): Markup {
  if (causes.length === 0) {
    return html`<section class="sheet">
      <p>${stateMark('fine', 'No failures')} Every run of the last 24 hours succeeded.</p>
    </section>`
  }
  return html`<section class="sheet flush">
    <h2>Why runs failed in the last 24 hours</h2>
    ${table<Cause>({
      caption: 'Causes, those of most clients first',
      address: null,
      rows: causes,
      columns: [
        {
          label: 'Cause',
          cell: ({ code }) =>
            html`<a href="${changed({ ...context.address, path: '/console/runs' }, { code })}"
              >${stateMark(toneOf(code), code.replaceAll('_', ' '))}</a
            >`,
        },
        {
          label: 'What it says, and what to do',
          cell: ({ code, message }) => html`${message} <small class="quiet block">${adviceOf(code)}</small>`,
        },
        { label: 'Clients', isNumber: true, cell: ({ companies }) => companies.toLocaleString('en') },
        { label: 'Runs', isNumber: true, cell: ({ runs }) => runs.toLocaleString('en') },
        { label: 'Since', folds: true, cell: ({ since }) => ago(since, context) },
        { label: 'Latest', folds: true, cell: ({ latest }) => ago(latest, context) },
        {
          label: 'Try again',
          cell: ({ code }) =>
            confirmedButton(
              'Again…',
              'Asks for a run of every active client that is failing for this cause, at one metered call or more each.',
              html`<form method="post" action="/console/runs/again">
                <input type="hidden" name="code" value="${code}" /><button>Try them all again</button>
              </form>`,
            ),
        },
      ],
    })}
  </section>`
}

function filterFields({ address }: PageContext): Markup {
  const any = (all: readonly string[]) => [
    ['', 'any'] as const,
    ...all.map((word) => [word, word.replaceAll('_', ' ')] as const),
  ]
  return filterForm(
    address,
    ['status', 'code', 'trigger', 'realmId'],
    html`${choiceField(address, 'status', 'Outcome', any(RUN_STATUSES))}
    ${choiceField(address, 'code', 'Cause', any(ERROR_CODES))}
    ${choiceField(address, 'trigger', 'Why', any(TRIGGERS))} ${textField(address, 'realmId', 'Realm id')}`,
  )
}

function askedNotice(asked: number): Markup {
  if (asked === 0) {
    return html`<p class="notice heals" role="status">
      No run was asked for: nobody was chosen, or those chosen are paused, disconnected or need a reconnect.
    </p>`
  }
  return html`<p class="notice fine" role="status">
    A run was asked for of ${asked === 1 ? 'one client' : `${asked.toLocaleString('en')} clients`}. Those that
    are paused, disconnected or need a reconnect were left out.
  </p>`
}

/** For those chosen in the table, and for all that the filter lets through. */
function againForms(filters: Readonly<Record<string, string | undefined>>, matching: number): Markup {
  const kept = Object.entries(defined(filters)).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )
  return html`<div class="row padded no-print">
    <form method="post" action="/console/runs/again" id="${CHOSEN}">
      <button>Try those chosen again</button>
    </form>
    ${
      matching > 0 &&
      confirmedButton(
        'Try all that match again…',
        html`Asks for a run of
        ${matching === 1 ? 'the one client' : `each of the ${matching.toLocaleString('en')} clients`} of the
        runs that match and can be read, at one metered call or more each.`,
        html`<form method="post" action="/console/runs/again/matching">
          ${kept}<button>Try them all again</button>
        </form>`,
      )
    }
  </div>`
}

function defined(filters: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  )
}

function hourSection(hours: readonly Hour[], context: PageContext): Markup {
  return html`<section class="sheet">
    <h2>Runs by the hour</h2>
    ${lineChart({
      caption: 'Runs of the last 24 hours, by the hour in which they began',
      labels: hours.map(({ from }) => from.toISOString()),
      step: { name: 'Hour from', words: (label) => clock(label, context) },
      isCount: true,
      series: [
        { label: 'All runs', values: hours.map(({ runs }) => String(runs)) },
        { label: 'Not succeeded', values: hours.map(({ failed }) => String(failed)) },
      ],
    })}
  </section>`
}
