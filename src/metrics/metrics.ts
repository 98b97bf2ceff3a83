import type { Logger } from 'winston'
import { createCollector } from './collector.ts'
import { formatFamilies, type Family } from './exposition.ts'
import { createProcessMetrics, type ProcessMetrics } from './process-metrics.ts'
import { syncFamilies } from './sync-families.ts'
import type { SyncMetrics } from './sync-metrics.ts'

export interface QueueJobs {
  readonly queue: string
  readonly state: string
  readonly jobs: number
}

export interface MetricsOptions {
  /** False: no series carries a realm id. */
  readonly perCompany: boolean
  /** Null: there is none. */
  readonly monthlyCallBudget: number | null
  readonly version: string
  readonly readSync: () => Promise<SyncMetrics>
  readonly readQueues: () => Promise<readonly QueueJobs[]>
  /** How long a scrape waits for each reading before it continues without. */
  readonly collectorTimeoutMs: number
  /** Whether somebody tells of a failed reading's error already. */
  readonly isTold?: (error: unknown) => boolean
  readonly log: Logger
}

/** `render` returns the text of one scrape and never fails because a reading is missing. */
export type Metrics = ProcessMetrics

export function createMetrics(options: MetricsOptions): Metrics {
  const ofProcess = createProcessMetrics(options)
  const { collectorTimeoutMs: timeoutMs, isTold, log } = options
  const about = { timeoutMs, ...(isTold && { isTold }), log }
  const collectSync = createCollector(options.readSync, { name: 'sync', ...about })
  const collectQueues = createCollector(options.readQueues, { name: 'queues', ...about })
  return {
    ...ofProcess,
    async render() {
      const [own, sync, queues] = await Promise.all([ofProcess.render(), collectSync(), collectQueues()])
      return (
        own +
        formatFamilies([
          ...(sync ? syncFamilies(sync, options) : []),
          ...(queues ? [queueFamily(queues)] : []),
          collectorFamily({ sync: sync !== null, queues: queues !== null }),
        ])
      )
    },
  }
}

function queueFamily(queues: readonly QueueJobs[]): Family {
  return {
    name: 'ledger_queue_jobs',
    help: 'Jobs of the queue, by state.',
    type: 'gauge',
    samples: queues.map(({ queue, state, jobs }) => ({ labels: { queue, state }, value: jobs })),
  }
}

function collectorFamily(up: Readonly<Record<string, boolean>>): Family {
  return {
    name: 'ledger_collector_up',
    help: '1 when the reading behind some metrics succeeded; with 0 those metrics are missing from this scrape.',
    type: 'gauge',
    samples: Object.entries(up).map(([collector, succeeded]) => ({
      labels: { collector },
      value: succeeded ? 1 : 0,
    })),
  }
}
