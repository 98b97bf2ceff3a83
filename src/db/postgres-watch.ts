import type { Logger } from 'winston'
import { LedgerError } from '../domain/ledger-error.ts'
import { POSTGRES_AWAY, whyPostgresAway } from './postgres-away.ts'
import { postgresWords } from './postgres-error.ts'

export interface PostgresWatchOptions {
  /** One statement. */
  readonly ping: () => Promise<unknown>
  readonly log: Logger
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number
}

export interface PostgresWatch {
  /**
   * Takes note of an error that only says that Postgres does not answer: the first is told, and then that it answers
   * again. @returns whether it is such an error, so that nobody else has to tell.
   */
  readonly saw: (error: unknown) => boolean
  readonly close: () => void
}

// The log says within a second that it is back; only while it is away is it asked.
const POLL_MS = 1_000

/**
 * Postgres away is one thing, however many queues, runs and readings meet it: one line when it goes and one when it
 * comes back.
 */
export function createPostgresWatch({ ping, log, elapsedMs }: PostgresWatchOptions): PostgresWatch {
  let awaySinceMs: number | null = null
  let isClosed = false
  const look = async (): Promise<void> => {
    try {
      await ping()
    } catch {
      lookLater()
      return
    }
    const awaySeconds = Math.round((elapsedMs() - (awaySinceMs ?? elapsedMs())) / 1000)
    awaySinceMs = null
    log.info('Postgres answers again', { awaySeconds })
  }
  const lookLater = (): void => {
    if (!isClosed) setTimeout(() => void look(), POLL_MS).unref()
  }
  return {
    saw(error) {
      if (!saysAway(error)) return false
      if (awaySinceMs === null && !isClosed) {
        awaySinceMs = elapsedMs()
        log.error('Postgres does not answer: no company is synced until it does', { reason: wordsOf(error) })
        lookLater()
      }
      return true
    },
    close: () => {
      isClosed = true
    },
  }
}

/** Errors of calls to QuickBooks are LedgerErrors, whose causes look alike; only an unknown cause is looked at. */
function saysAway(thrown: unknown): boolean {
  const error = thrown instanceof LedgerError && thrown.code === 'internal' ? thrown.cause : thrown
  return !(error instanceof LedgerError) && whyPostgresAway(error) === POSTGRES_AWAY
}

/** pg-boss reports plain objects. */
function wordsOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown }
  return typeof message === 'string' ? postgresWords({ name: '', message }) : POSTGRES_AWAY
}
