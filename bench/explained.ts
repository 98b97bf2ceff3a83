import { setTimeout as wait } from 'node:timers/promises'
import type { BenchDatabase, BenchPostgres } from './bench-postgres.ts'
import { readPlans, type Plan } from './plans.ts'

/** Every new connection logs each of its plans. */
export async function explainEverything(database: BenchDatabase): Promise<void> {
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_buffers': 'on',
    'auto_explain.log_format': 'json',
  }
  const name = new URL(database.url).pathname.slice(1)
  for (const [setting, value] of Object.entries(settings)) {
    await database.knex.raw(`ALTER DATABASE ${name} SET ${setting} = '${value}'`)
  }
  await database.knex.destroy()
  database.knex.initialize()
}

/** The plans of what `work` sends, which must be at least one statement. */
export async function plansOf(
  postgres: BenchPostgres,
  work: () => Promise<unknown>,
): Promise<readonly Plan[]> {
  const before = (await postgres.readLog()).length
  await work()
  return readPlans((await settledLog(postgres, before)).slice(before))
}

const LOOK_AGAIN_MS = 40

/** The log is written by another process, right after the answer: read until it has grown and stands still. */
async function settledLog(postgres: BenchPostgres, before: number): Promise<string> {
  for (let seen = before; ;) {
    await wait(LOOK_AGAIN_MS)
    const log = await postgres.readLog()
    if (log.length > before && log.length === seen) return log
    seen = log.length
  }
}
