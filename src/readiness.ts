import { rowsOf, type Database } from './db/database.ts'
import { pendingMigrations } from './db/migrate.ts'
import { POSTGRES_AWAY, POSTGRES_READ_ONLY, whyPostgresAway } from './db/postgres-away.ts'
import { postgresWords } from './db/postgres-error.ts'

export interface ReadinessOptions {
  readonly database: Database
  /** What the start is still waiting for; empty once it is over. */
  readonly starting: () => readonly string[]
  /** Hears of every error with which Postgres refuses a check. */
  readonly onRefused: (error: unknown) => void
  /** A Postgres silent for this long counts as not answering. */
  readonly timeoutMs: number
}

type Missing = readonly string[]

/**
 * Why the service is not ready; empty when it is. Concurrent callers share one check: probes are open to everybody, and
 * however many come, they take only one connection from the sync.
 */
export function createReadiness({
  database,
  starting,
  onRefused,
  timeoutMs,
}: ReadinessOptions): () => Promise<Missing> {
  let underWay: Promise<Missing> | null = null
  return async () => {
    if (starting().length > 0) return starting()
    underWay ??= readMissing(database, onRefused).finally(() => {
      underWay = null
    })
    return within(underWay, timeoutMs)
  }
}

/** What a start is waiting for in the database. */
export async function missingForStart(
  database: Database,
  onRefused: ReadinessOptions['onRefused'] = () => {},
): Promise<Missing> {
  try {
    const pending = await pendingMigrations(database.knex)
    return pending.map((name) => `migration ${name} is not applied: run npm run migrate`)
  } catch (error) {
    onRefused(error)
    return [whyNot(error)]
  }
}

async function readMissing(database: Database, onRefused: ReadinessOptions['onRefused']): Promise<Missing> {
  for (const look of [missingForStart, missingToWrite]) {
    const missing = await look(database, onRefused)
    if (missing.length > 0) return missing
  }
  return []
}

/** Without writes, as after a failover, nothing can be synced or requested. */
async function missingToWrite(
  { knex }: Database,
  onRefused: ReadinessOptions['onRefused'],
): Promise<Missing> {
  try {
    const [found] = await rowsOf<{ readOnly: boolean }>(
      knex,
      `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS "readOnly"`,
    )
    return found?.readOnly === false ? [] : [POSTGRES_READ_ONLY]
  } catch (error) {
    onRefused(error)
    return [whyNot(error)]
  }
}

/** This reaches callers without a token: only Postgres' own message, not our statement. */
function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return POSTGRES_AWAY
  return whyPostgresAway(error) ?? `Postgres refuses: ${postgresWords(error)}`
}

async function within(reading: Promise<Missing>, timeoutMs: number): Promise<Missing> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Missing>((resolve) => {
    timer = setTimeout(() => resolve([POSTGRES_AWAY]), timeoutMs)
  })
  return Promise.race([reading, late]).finally(() => clearTimeout(timer))
}
