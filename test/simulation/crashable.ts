import type { Database } from '../../src/db/database.ts'

export interface Crashable {
  readonly database: Database
  /** Whether the crash has come. */
  crashed(): boolean
}

/**
 * The database as a process sees it that is killed at its nth transaction: before it begins, or right after it was
 * committed. From then on nothing of that process reaches Postgres any more.
 */
export function crashAt(database: Database, nth: number, moment: 'before' | 'after'): Crashable {
  let transactions = 0
  let dead = false
  const refuseIfDead = () => {
    if (dead) throw new Error('the process was killed')
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
    database: {
      clock: database.clock,
      get knex() {
        return knex
      },
      async transaction(work) {
        refuseIfDead()
        transactions += 1
        const now = transactions === nth
        if (now && moment === 'before') dead = true
        refuseIfDead()
        const result = await database.transaction(work)
        if (now && moment === 'after') dead = true
        refuseIfDead()
        return result
      },
    },
  }
}
