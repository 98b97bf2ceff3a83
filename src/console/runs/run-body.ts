import { wholeReport, type EntityReport } from '../../domain/sync-run.ts'
import type { Company } from '../../models/company.ts'
import type { SyncRun } from '../../models/sync-run.ts'
import { clientLink } from '../client.ts'
import type { PageContext } from '../context.ts'
import { ENTITY_WORDS, SHOWN_ENTITIES } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import { table } from '../parts/table.ts'
import { clock } from '../parts/time.ts'
import { adviceOf } from '../remedy.ts'
import { durationWords } from '../time/time-words.ts'
import { changesLink, outcome, secondsOf } from './run-table.ts'

/** What one run did, entity by entity, and why it ended as it did. */
export function runBody(
  run: SyncRun,
  company: Company | null,
  version: string,
  context: PageContext,
): Markup {
  const { id, realmId, trigger, mode, startedAt, finishedAt, requests, meteredCalls, servedRequest } = run
  const seconds = secondsOf(run)
  return html`
    <header class="heading">
      <div>
        <h1>Run ${id}</h1>
        <p class="lead">${clientLink({ realmId, name: company?.name ?? null }, context.address)}</p>
      </div>
      <button type="button" class="no-print" data-copy="${bundle(run, version)}">Copy for support</button>
    </header>
    <section class="sheet">
      <p>${outcome(run)}</p>
      ${run.errorCode !== null && html`<p>${adviceOf(run.errorCode)}</p>`}
      <dl class="facts">
        <dt>Why</dt>
        <dd>${trigger}, ${mode}; served request ${servedRequest}</dd>
        <dt>Started</dt>
        <dd>${clock(startedAt, context)}</dd>
        <dt>Finished</dt>
        <dd>
          ${finishedAt === null ? 'under way' : clock(finishedAt, context)}
          ${seconds !== null && `after ${durationWords(seconds)}`}
        </dd>
        <dt>Calls</dt>
        <dd>${requests}, ${meteredCalls} of them metered</dd>
        <dt>Changed</dt>
        <dd>${changesLink(run, context)}</dd>
        ${
          run.intuitTid !== null &&
          html`<dt>Intuit’s id of the call</dt>
            <dd><code>${run.intuitTid}</code></dd>`
        }
      </dl>
    </section>
    <section class="sheet flush">
      <h2>By list</h2>
      ${entityTable(run)}
    </section>
  `
}

type Row = EntityReport & { readonly name: string }

const COUNTS = [
  'fetched',
  'inserted',
  'updated',
  'touched',
  'deleted',
  'revived',
  'unchanged',
  'rejected',
  'drifted',
] as const

function entityTable({ entities }: SyncRun): Markup {
  const reports = wholeReport(entities)
  const rows = SHOWN_ENTITIES.flatMap((entity): Row[] => {
    const report = reports[entity]
    return report ? [{ ...report, name: ENTITY_WORDS[entity].many }] : []
  })
  if (rows.length === 0) return html`<p class="padded quiet">Nothing was read.</p>`
  return table<Row>({
    caption: 'What was done, by list',
    address: null,
    rows,
    columns: [
      {
        label: 'List',
        cell: ({ name, error }) =>
          html`${name} ${error !== null && html`<small class="quiet block">${error.message}</small>`}`,
      },
      ...COUNTS.map((count) => ({
        label: count,
        isNumber: true,
        cell: (row: Row) =>
          row[count] === 0 ? html`<span class="quiet">0</span>` : row[count].toLocaleString('en'),
      })),
      { label: 'Complete up to', folds: true, cell: ({ watermarkTo }) => watermarkTo },
    ],
  })
}

/** What support needs, and no secret. */
function bundle(
  { id, realmId, trigger, mode, status, errorCode, errorMessage, intuitTid, startedAt }: SyncRun,
  version: string,
): string {
  return JSON.stringify(
    { version, run: id, realmId, trigger, mode, status, startedAt, errorCode, errorMessage, intuitTid },
    null,
    1,
  )
}
