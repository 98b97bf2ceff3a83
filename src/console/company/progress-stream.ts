import { setTimeout as sleep } from 'node:timers/promises'
import type { Response } from 'express'
import { z } from 'zod'
import { unknownCompany } from '../../connections/change-status.ts'
import { realmId } from '../../http/request/fields.ts'
import { addRoute } from '../../http/request/route.ts'
import { readParams, readQuery } from '../../http/request/validate.ts'
import { readProgress, type SyncProgress } from '../../http/sync/read-progress.ts'
import { companyPath } from '../entities.ts'
import type { ConsoleOptions } from '../options.ts'
import type { Pages } from '../pages.ts'
import { progressMarkup, type Sample } from './sync-progress.ts'

type Options = Pick<ConsoleOptions, 'database' | 'log' | 'stop' | 'progressPollMs'>

const PARAMS = z.strictObject({ realmId })
const NOTHING = z.strictObject({})
// Beyond it a browser gets one look for each of its own attempts: a firm that watches so much at once still sees it all.
const MOST_STREAMS = 100
// A browser connects again by itself, and is then asked for its session again.
const LONGEST_STREAM_MS = 10 * 60_000
const RECONNECT_MS = 5_000
// Long enough for several pages of 1,000 records, short enough to follow a change of pace.
const SAMPLED_MS = 30_000

/** The progress of a company's sync as server-sent events: `progress` with a piece of the page, and `done` at its end. */
export function addProgressStream({ router }: Pages, options: Options): void {
  const watches = new Map<string, Watch>()
  addRoute(router, companyPath(':realmId', 'progress'), {
    get: async (request, response) => {
      const { realmId } = readParams(request, PARAMS)
      readQuery(request, NOTHING)
      const progress = await readProgress(options.database.knex, realmId)
      if (!progress) throw unknownCompany(realmId)
      response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store, no-transform' })
      response.write(`retry: ${RECONNECT_MS}\n\n`)
      const watchers = [...watches.values()].reduce((sum, { streams }) => sum + streams.size, 0)
      if (request.method === 'HEAD' || options.stop.aborted || watchers >= MOST_STREAMS) {
        response.end(eventOf(progress, [], options.database.clock.now()))
        return
      }
      join(watches, realmId, response, options)
    },
  })
}

interface Watch {
  readonly streams: Set<Response>
  readonly samples: Sample[]
}

/** Everybody who watches a company shares one look a second. */
function join(watches: Map<string, Watch>, realmId: string, response: Response, options: Options): void {
  const known = watches.get(realmId)
  const watch = known ?? { streams: new Set(), samples: [] }
  watch.streams.add(response)
  const timer = setTimeout(() => response.end(), LONGEST_STREAM_MS)
  response.once('close', () => {
    clearTimeout(timer)
    watch.streams.delete(response)
  })
  if (known) return
  watches.set(realmId, watch)
  void follow(watch, realmId, options)
    .catch((error: unknown) =>
      options.log.warn('the progress of a sync could not be followed', { realmId, error }),
    )
    .finally(() => {
      watches.delete(realmId)
      for (const stream of watch.streams) stream.end()
    })
}

/** Tells everybody who watches until the sync has ended, nobody is left, or the service stops. */
async function follow({ streams, samples }: Watch, realmId: string, options: Options): Promise<void> {
  const { database, stop, progressPollMs } = options
  while (streams.size > 0 && !stop.aborted) {
    const progress = await readProgress(database.knex, realmId)
    if (!progress) return
    const elapsedMs = database.clock.elapsedMs()
    samples.push({ elapsedMs, rows: progress.lists.reduce((sum, { rows }) => sum + rows, 0) })
    while (elapsedMs - samples[0]!.elapsedMs > SAMPLED_MS) samples.shift()
    const event = eventOf(progress, samples, database.clock.now())
    for (const stream of streams) stream.write(event)
    if (isOver(progress)) return
    // Only the stop can cut it short, and that ends the loop.
    await sleep(progressPollMs, undefined, { signal: stop }).catch(() => undefined)
  }
}

function isOver({ run, isAsked }: SyncProgress): boolean {
  return run === null && !isAsked
}

function eventOf(progress: SyncProgress, samples: readonly Sample[], now: Date): string {
  if (isOver(progress)) return 'event: done\ndata: \n\n'
  const lines = progressMarkup(progress, samples, now).toString().split('\n')
  return `event: progress\n${lines.map((line) => `data: ${line}\n`).join('')}\n`
}
