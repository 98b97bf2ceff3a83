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

/** @param names of the companies by realm id; null where all runs are of one. */
export function runTable(
  runs: readonly SyncRun[],
  names: ReadonlyMap<string, string> | null,
  context: PageContext,
): Markup {
  const { address } = context
  const slowest = Math.max(1, ...runs.map((run) => secondsOf(run) ?? 0))
  return table<SyncRun>({
    caption: 'Runs, newest first',
    address: null,
    rows: runs,
    columns: [
      {
        label: 'Run',
        cell: ({ id }) => html`<a href="${linkTo(address, `/console/runs/${id}`)}">Run ${id}</a>`,
      },
      ...(names === null ? [] : [clientColumn<SyncRun>(names, address)]),
      { label: 'Outcome', cell: outcome },
      { label: 'Started', cell: ({ startedAt }) => ago(startedAt, context) },
      { label: 'Why', folds: true, cell: ({ trigger, mode }) => `${trigger}, ${mode}` },
      { label: 'Took', folds: true, isNumber: true, cell: (run) => duration(run, slowest) },
      { label: 'Calls', folds: true, isNumber: true, cell: ({ requests }) => String(requests) },
      { label: 'Changed', isNumber: true, cell: (run) => changesLink(run, context) },
      { label: 'Rejected', folds: true, isNumber: true, cell: (run) => quietZero(sumOf(run, 'rejected')) },
    ],
  })
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

/** Beside its figure a bar, against the slowest of the page. */
function duration(run: SyncRun, slowest: number): Markup {
  const seconds = secondsOf(run)
  if (seconds === null) return html`<span class="quiet">under way</span>`
  const width = Math.max(4, Math.round((seconds / slowest) * 1000))
  return html`${seconds < 10 ? `${seconds.toFixed(1)} s` : durationWords(seconds)}
    <svg class="ages" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
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

function sumOf({ entities }: SyncRun, name: 'rejected' | (typeof CHANGED)[number]): number {
  const reports: EntityReport[] = Object.values(wholeReport(entities))
  return reports.reduce((sum, report) => sum + report[name], 0)
}

function quietZero(count: number): Child {
  return count === 0 ? html`<span class="quiet">0</span>` : count.toLocaleString('en')
}
