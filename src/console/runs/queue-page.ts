import type { QueueState, FailedJob } from '../../jobs/read-queue-state.ts'
import { NO_FIELDS } from '../../http/request/fields.ts'
import { readForm } from '../../http/request/validate.ts'
import { clientLink, readClientNames } from '../client.ts'
import type { PageContext } from '../context.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { stateMark } from '../parts/state.ts'
import { table } from '../parts/table.ts'
import { ago } from '../parts/time.ts'
import { runTabs } from './run-tabs.ts'

/** The queues as they are now: how much waits, for how long, and what failed last. */
export function addQueuePage(pages: Pages, { database, readQueueState }: ConsoleOptions): void {
  addPage(pages, '/admin/queues', async (request, context) => {
    readForm(request, NO_FIELDS)
    const state = await readQueueState()
    const names = await readClientNames(
      database,
      state.failures.flatMap(({ realmId }) => realmId ?? []),
    )
    return {
      title: 'Queues',
      section: 'runs',
      isLive: true,
      body: html`
        <header class="heading"><h1>Queues</h1></header>
        ${runTabs('queues', context)} ${queueSection(state, context)}
        ${failureSection(state.failures, names, context)}
      `,
    }
  })
}

interface Queue {
  readonly name: string
  readonly jobs: ReadonlyMap<string, number>
  readonly since: Date | null
}

const STATES = ['deferred', 'ready', 'active', 'failed'] as const

function queueSection({ jobs, oldestWaiting }: QueueState, context: PageContext): Markup {
  const since = new Map(oldestWaiting.map(({ queue, since }) => [queue, since]))
  const queues = [...new Set(jobs.map(({ queue }) => queue))].sort().map((name): Queue => {
    const own = jobs.filter(({ queue }) => queue === name)
    return {
      name,
      jobs: new Map(own.map(({ state, jobs }) => [state, jobs])),
      since: since.get(name) ?? null,
    }
  })
  return html`<section class="sheet flush">
    <h2>Jobs</h2>
    ${table<Queue>({
      caption: 'Jobs by queue and state',
      address: null,
      rows: queues,
      columns: [
        {
          label: 'Queue',
          cell: ({ name }) =>
            html`<code>${name}</code>
              <small class="quiet block">${WHAT[name] ?? 'of pg-boss itself'}</small>`,
        },
        ...STATES.map((state) => ({
          label: state,
          isNumber: true,
          folds: state === 'deferred',
          cell: ({ jobs }: Queue) => (jobs.get(state) ?? 0).toLocaleString('en'),
        })),
        {
          label: 'Waiting since',
          cell: ({ since }) =>
            since === null ? html`<span class="quiet">nothing waits</span>` : ago(since, context),
        },
      ],
    })}
    <p class="padded quiet">
      Deferred: not before a time set for it. Ready: taken as soon as a worker is free. Counted by pg-boss
      every 15 seconds.
    </p>
  </section>`
}

const WHAT: Readonly<Record<string, string>> = {
  'sync-company': 'one job a client that is due',
  'sync-company-dead': 'jobs given up: see Dead letters',
  tick: 'every minute: which clients are due',
  housekeeping: 'every hour: old runs',
}

function failureSection(
  failures: readonly FailedJob[],
  names: ReadonlyMap<string, string>,
  context: PageContext,
): Markup {
  if (failures.length === 0) {
    return html`<section class="sheet">
      <p>${stateMark('fine', 'No failures')} No job that the queue still holds has failed.</p>
    </section>`
  }
  return html`<section class="sheet flush">
    <h2>Last failures</h2>
    ${table<FailedJob>({
      caption: 'Jobs that failed, newest first',
      address: null,
      rows: failures,
      columns: [
        { label: 'Queue', cell: ({ queue }) => html`<code>${queue}</code>` },
        {
          label: 'Client',
          cell: ({ realmId }) =>
            realmId !== null && clientLink({ realmId, name: names.get(realmId) ?? null }, context.address),
        },
        {
          label: 'State',
          cell: ({ state }) =>
            state === 'retry' ? stateMark('heals', 'tried again') : stateMark('act', 'given up'),
        },
        { label: 'What it said', cell: ({ message }) => message },
        { label: 'Attempts', isNumber: true, folds: true, cell: ({ attempts }) => String(attempts) },
        { label: 'When', cell: ({ at }) => ago(at, context) },
      ],
    })}
  </section>`
}
