import type { ListProgress, SyncProgress } from '../../http/sync/read-progress.ts'
import type { OperatedCompany } from '../../http/companies/show-company.ts'
import { companyPath, ENTITY_WORDS } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import { durationWords } from '../time/time-words.ts'

/** Rows that were listed by a moment, to tell how fast it goes. */
export interface Sample {
  /** By the clock that nobody sets. */
  readonly elapsedMs: number
  readonly rows: number
}

/** Where the progress of a sync is shown and kept up to date; nothing while there is none. */
export function progressPlace({ realmId, lastRun, nextSyncReason }: OperatedCompany): Markup | null {
  const isRunning = lastRun?.status === 'running'
  if (!isRunning && nextSyncReason !== 'it was asked for') return null
  return html`<section
    id="sync-progress"
    class="notice progress"
    aria-label="Sync under way"
    data-progress="${companyPath(realmId, 'progress')}"
  >
    <p>
      ${isRunning ? 'A sync is under way.' : 'A sync was asked for and begins as soon as a worker is free.'}
      <a href="${companyPath(realmId, 'runs')}">Look again</a>
    </p>
  </section>`
}

/** How far a sync has come, in words and bars. `samples` are of this sync, oldest first. */
export function progressMarkup({ run, lists }: SyncProgress, samples: readonly Sample[], now: Date): Markup {
  if (run === null) return html`<p>Asked for. It begins as soon as a worker is free.</p>`
  const pages = sum(lists, ({ pages }) => pages)
  const rows = sum(lists, ({ rows }) => rows)
  return html`<p>
      <b>${run.mode === 'full' ? 'Listing everything' : 'Reading what changed'}</b>
      <span class="quiet"
        >run ${run.id}, for ${durationWords((now.getTime() - run.startedAt.getTime()) / 1000)}</span
      >
    </p>
    ${
      lists.length > 0 &&
      html`<p>${counted(rows, 'record')} on ${counted(pages, 'page')}${paceWords(lists, samples)}</p>
        <ul class="plain">
          ${lists.map(listLine)}
        </ul>`
    }`
}

/** How much is left is only told where all lists under way know how long they are. */
function paceWords(lists: readonly ListProgress[], samples: readonly Sample[]): string {
  const rate = rowsPerSecond(samples)
  if (rate === null) return ''
  const under = lists.filter(({ isDone }) => !isDone)
  const words = `, ${Math.round(rate).toLocaleString('en')} a second`
  if (under.length === 0 || under.some(({ expected }) => expected === null)) return words
  const left = sum(under, ({ rows, expected }) => Math.max(0, expected! - rows))
  const [list] = under
  return `${words}; ${ENTITY_WORDS[list!.entity].many.toLowerCase()} done in about ${durationWords(left / rate)}`
}

/** Null while there is too little to tell. */
function rowsPerSecond(samples: readonly Sample[]): number | null {
  const first = samples[0]
  const last = samples.at(-1)
  if (!first || !last || last.rows <= first.rows || last.elapsedMs <= first.elapsedMs) return null
  return ((last.rows - first.rows) * 1000) / (last.elapsedMs - first.elapsedMs)
}

function listLine({ entity, rows, expected, isDone }: ListProgress): Markup {
  const name = ENTITY_WORDS[entity].many
  const most = Math.max(rows, expected ?? 0)
  return html`<li>
    <span>${name}</span>
    ${
      isDone || expected !== null
        ? html`<progress
            max="${Math.max(1, most)}"
            value="${isDone ? Math.max(1, most) : rows}"
            aria-label="${name}"
          ></progress>`
        : html`<progress aria-label="${name}"></progress>`
    }
    <span class="quiet"
      >${rows.toLocaleString('en')}${!isDone && expected !== null && ` of ${expected.toLocaleString('en')}`}${isDone && ', done'}</span
    >
  </li>`
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
