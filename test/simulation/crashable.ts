import type { Database } from '../../src/db/database.ts'
import type { TokenSet } from '../../src/quickbooks/quickbooks.ts'

/** Where a process may be killed. Each is a moment of a transaction that one file of the service begins. */
const POINTS = {
  'after the lease': { file: 'sync/open-run.ts', moment: 'after' },
  'between fetch and write': { file: 'sync/write-page.ts', moment: 'before' },
  'inside the write of a page': { file: 'sync/write-page.ts', moment: 'inside' },
  "after a page's commit": { file: 'sync/write-page.ts', moment: 'after' },
  'between write and watermark': { file: 'sync/finish-run.ts', moment: 'before' },
  'inside the finish': { file: 'sync/finish-run.ts', moment: 'inside' },
  'after the finish': { file: 'sync/finish-run.ts', moment: 'after' },
  'before a failure is noted': { file: 'sync/fail-run.ts', moment: 'before' },
  'inside a refresh, before the save': { file: 'connections/access-tokens.ts', moment: 'answered' },
  'inside a refresh, before the commit': { file: 'connections/access-tokens.ts', moment: 'inside' },
} as const satisfies Record<string, { file: string; moment: Moment }>

/** `inside`: all statements were done and the commit never came. `answered`: Intuit answered, nothing was done yet. */
type Moment = 'before' | 'inside' | 'after' | 'answered'

export type CrashPoint = keyof typeof POINTS
export const CRASH_POINTS = Object.keys(POINTS) as CrashPoint[]

export interface Crashable {
  readonly database: Database
  /** Stands around every refresh of the process. */
  readonly wrapRefresh: (refresh: () => Promise<TokenSet>) => Promise<TokenSet>
  /** Throws once the process is dead: it makes no call any more. */
  refuseIfDead(): void
  /** Whether the crash has come. */
  crashed(): boolean
}

/**
 * The database as a process sees it that is killed when it comes to a point for the nth time. From then on nothing
 * of that process reaches Postgres any more, and what it had not committed never is.
 */
export function crashAt(database: Database, point: CrashPoint, nth: number): Crashable {
  const { file, moment: deadly } = POINTS[point]
  let passed = 0
  let dead = false
  const refuseIfDead = () => {
    if (dead) throw new Error('the process was killed')
  }
  const pass = (moment: Moment) => {
    if (moment === deadly && !dead) dead = ++passed === nth
    refuseIfDead()
  }
  const knex = new Proxy(database.knex, {
    get(target, property, receiver): unknown {
      refuseIfDead()
      return Reflect.get(target, property, receiver)
    },
    apply(target, self, parameters): unknown {
      refuseIfDead()
      return Reflect.apply(target as unknown as (...all: unknown[]) => unknown, self, parameters)
    },
  })
  return {
    crashed: () => dead,
    refuseIfDead,
    async wrapRefresh(refresh) {
      refuseIfDead()
      const tokens = await refresh()
      pass('answered')
      return tokens
    },
    database: {
      clock: database.clock,
      get knex() {
        return knex
      },
      async transaction(work) {
        refuseIfDead()
        const isThere = isCalledFrom(file)
        if (isThere) pass('before')
        const result = await database.transaction(async (tx) => {
          const done = await work(tx)
          if (isThere) pass('inside')
          refuseIfDead()
          return done
        })
        if (isThere) pass('after')
        refuseIfDead()
        return result
      },
    },
  }
}

// Deep enough to see past the fence to the step of a run that began the transaction.
const FRAMES = 30

/** Whether a file of the service is among the callers. */
function isCalledFrom(file: string): boolean {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = FRAMES
  const { stack = '' } = new Error()
  Error.stackTraceLimit = before
  return stack.includes(`/src/${file}`)
}
