import type { SyncRun } from '../../models/sync-run.ts'
import { wholeReport, type EntityReport } from '../../domain/sync-run.ts'
import { linkTo } from '../address.ts'
import { clientColumn } from '../client.ts'
import type { PageContext } from '../context.ts'
import { companyPath } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'
import { stateMark, type Tone } from '../parts/state.ts'
import { table } from '../parts/table.ts'
import { ago } from '../parts/time.ts'
import { toneOf } from '../remedy.ts'
import { durationWords } from '../time/time-words.ts'

export interface RunTable {
  readonly runs: readonly SyncRun[]
  /** Of the companies by realm id; null where all runs are of one. */
  readonly names: ReadonlyMap<string, string> | null
  /** When each company is tried next; one that is not tried has no entry. */
  readonly nextTries: ReadonlyMap<string, Date>
  /** The id of the form to which clients can be chosen; null: to none. */
  readonly chosenFor: string | null
}

export function runTable({ runs, names, nextTries, chosenFor }: RunTable, context: PageContext): Markup {
  const { address } = context
  const slowest = Math.max(1, ...runs.map((run) => secondsOf(run) ?? 0))
  const largest = Math.max(1, ...runs.map((run) => sumOf(run, 'fetched')))
  return table<SyncRun>({
    caption: 'Runs, newest first',
    address: null,
    rows: runs,
    columns: [
      {
        label: 'Run',
        cell: (run) =>
          html`${chosenFor !== null && chooser(run, chosenFor, names)}<a
              href="${linkTo(address, `/console/runs/${run.id}`)}"
              >Run ${run.id}</a
            >`,
      },
      ...(names === null ? [] : [clientColumn<SyncRun>(names, address)]),
      { label: 'Outcome', cell: outcome },
      { label: 'Started', cell: ({ startedAt }) => ago(startedAt, context) },
      { label: 'Why', folds: true, cell: ({ trigger, mode }) => `${trigger}, ${mode}` },
      { label: 'Took', folds: true, isNumber: true, cell: (run) => duration(run, slowest) },
      { label: 'Calls', folds: true, isNumber: true, cell: ({ requests }) => String(requests) },
      { label: 'Read', folds: true, isNumber: true, cell: (run) => rowsRead(run, largest) },
      { label: 'Changed', isNumber: true, cell: (run) => changesLink(run, context) },
      { label: 'Rejected', folds: true, isNumber: true, cell: (run) => quietZero(sumOf(run, 'rejected')) },
      { label: 'Next try', folds: true, cell: (run) => nextTry(run, nextTries, context) },
      {
        label: 'Intuit’s id',
        folds: true,
        cell: ({ intuitTid }) => intuitTid !== null && html`<code title="intuit_tid">${intuitTid}</code>`,
      },
    ],
  })
}

/** Whether another try may change something. */
export function isWorthTrying({ status }: SyncRun): boolean {
  return status !== 'succeeded' && status !== 'running'
}

function chooser(run: SyncRun, form: string, names: RunTable['names']): Markup | null {
  if (!isWorthTrying(run)) return null
  const label = `Choose ${names?.get(run.realmId) ?? run.realmId}, run ${run.id}`
  return html`<input
    type="checkbox"
    name="realmId"
    value="${run.realmId}"
    form="${form}"
    aria-label="${label}"
  /> `
}

function nextTry(run: SyncRun, nextTries: RunTable['nextTries'], context: PageContext): Child {
  if (!isWorthTrying(run)) return null
  const at = nextTries.get(run.realmId)
  if (at === undefined) return html`<span class="quiet">waits for a person</span>`
  if (context.stop !== null) return 'after the stop'
  return at <= context.now ? 'now' : ago(at, context)
}

export function outcome({ status, errorCode, errorMessage }: SyncRun): Markup {
  const mark = stateMark(toneOfRun(status, errorCode), status)
  if (errorCode === null) return mark
  return html`${mark}
    <p class="why" title="${errorMessage ?? errorCode}">${errorMessage ?? errorCode}</p>`
}

function toneOfRun(status: SyncRun['status'], code: SyncRun['errorCode']): Tone {
  if (status === 'succeeded') return 'fine'
  if (status === 'running') return 'off'
  return code === null ? 'heals' : toneOf(code)
}

export function secondsOf({ startedAt, finishedAt }: SyncRun): number | null {
  return finishedAt === null ? null : (finishedAt.getTime() - startedAt.getTime()) / 1000
}

function duration(run: SyncRun, slowest: number): Markup {
  const seconds = secondsOf(run)
  if (seconds === null) return html`<span class="quiet">under way</span>`
  return html`${seconds < 10 ? `${seconds.toFixed(1)} s` : durationWords(seconds)} ${bar(seconds, slowest)}`
}

function rowsRead(run: SyncRun, largest: number): Child {
  const rows = sumOf(run, 'fetched')
  return rows === 0 ? quietZero(0) : html`${rows.toLocaleString('en')} ${bar(rows, largest)}`
}

/** A figure against the largest of the page. */
function bar(figure: number, largest: number): Markup {
  const width = Math.max(4, Math.round((figure / largest) * 1000))
  return html`<svg class="ages" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="age-1" x="${1000 - width}" width="${width}" height="8"></rect>
  </svg>`
}

const CHANGED = ['inserted', 'updated', 'deleted', 'revived'] as const

/** To exactly the versions that the run wrote. */
export function changesLink(run: SyncRun, { address }: PageContext): Child {
  const count = CHANGED.reduce((sum, name) => sum + sumOf(run, name), 0)
  if (count === 0) return quietZero(0)
  const href = linkTo(address, companyPath(run.realmId, 'changes'), { run: run.id })
  return html`<a href="${href}">${count.toLocaleString('en')}</a>`
}

function sumOf({ entities }: SyncRun, name: 'rejected' | 'fetched' | (typeof CHANGED)[number]): number {
  const reports: EntityReport[] = Object.values(wholeReport(entities))
  return reports.reduce((sum, report) => sum + report[name], 0)
}

function quietZero(count: number): Child {
  return count === 0 ? html`<span class="quiet">0</span>` : count.toLocaleString('en')
}
