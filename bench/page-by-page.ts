import { openBenchRun } from './open-bench-run.ts'
import { writePage } from '../src/sync/write-page.ts'
import type { Way } from './way-to-write.ts'

// What QuickBooks serves at most.
const PAGE_ROWS = 1000

/** The service's own: a fenced transaction a page, every superseded version kept by the trigger. */
export function pageByPage(entity: 'bill' | 'invoice' = 'bill'): Way {
  return {
    name: 'ours, versions kept',
    table: `${entity}s`,
    async open(database) {
      const run = await openBenchRun(database)
      return async (versions) => {
        for (let from = 0; from < versions.length; from += PAGE_ROWS) {
          const changes = versions.slice(from, from + PAGE_ROWS)
          const page = { changes, rejects: [], observedAt: database.clock.now() }
          await writePage(run, entity, page, { authoritative: true })
        }
      }
    },
  }
}
