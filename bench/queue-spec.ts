/** How a worker learns of jobs. */
export interface QueueWay {
  /** By LISTEN/NOTIFY besides polling, as the service does, or by polling alone. */
  readonly listens: boolean
  /** Seconds between two looks of a loop; null: the service's own. */
  readonly pollSeconds: number | null
  /** Whether a loop looks again as soon as its job is done, as the service's do, or sleeps first, as pg-boss would. */
  readonly looksAgain: boolean
}

/** What the worker is started with, as JSON in its first argument. */
export interface QueueWorkerSpec {
  readonly url: string
  readonly applicationName: string
  readonly concurrency: number
  readonly way: QueueWay
}

/** What its parent may ask: its usage, once it has handled that many jobs more. */
export interface QueueWorkerQuestion {
  readonly handled: number
}

export interface QueueWorkerUsage {
  readonly cpuSeconds: number
  /** The jobs since it was asked before, and when the handler of each was called, by the clock of monotonicMs. */
  readonly started: readonly { readonly realmId: string; readonly atMs: number }[]
}

/** Milliseconds of a clock that all processes of a machine share, and that nobody sets. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
