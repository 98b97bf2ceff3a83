import type { ConnectionMark } from '../connections/replaced.ts'
import type { Database } from '../db/database.ts'
import type { Drift } from '../domain/drift.ts'
import type { Entity } from '../domain/entity.ts'
import type { LedgerError } from '../domain/ledger-error.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import type { EntityCounts, Mode, Trigger } from '../domain/sync-run.ts'
import type { CompanyReader } from '../quickbooks/quickbooks.ts'
import type { EntityState, Owed } from './entity-state.ts'
import type { RunPace } from './run-pace.ts'

/** One run under way. */
export interface Run extends RunFacts, RunServices, RunProgress {}

/** What was read when the run was opened. Nothing changes it. */
export interface RunFacts {
  readonly id: number
  readonly realmId: string
  readonly companyName: string | null
  readonly trigger: Trigger
  /** The company's request number before the first fetch. */
  readonly servedRequest: number
  /** The number of the latest request for a full run. */
  readonly fullRequest: number
  /** A person asked since the last finished run: entities in error do not wait. */
  readonly byPerson: boolean
  readonly startedAt: Date
  readonly states: ReadonlyMap<Entity, EntityState>
  /** Failed runs of the company immediately before this one. */
  readonly failuresInARow: number
  /** Since when the company had the status that it had when the run began. */
  readonly statusChangedAt: Date
}

/** What a run works with. */
export interface RunServices {
  readonly database: Database
  readonly reader: CompanyReader
  readonly pace: RunPace
  /** Asked between the pages of a listing: whether to stop here and resume in a later run, because others wait. */
  readonly mustGiveWay: () => Promise<boolean>
  /** Aborted when the process stops or the lease is lost: then no failure is an entity's own. */
  readonly signal: AbortSignal
}

/** What the steps of a run learn and do. Every step reads it; each field names the only file that writes it. */
export interface RunProgress {
  /** run-company: a run that was asked for changes may turn out to need listings. */
  mode: Mode
  /** read-company */
  homeCurrency: string | null
  /** run-company: the tokens that the run used last; undefined before it used any. */
  connection: ConnectionMark | undefined
  /** run-progress: QuickBooks' time of the run's first answer; null before it. */
  firstAnswerAt: Date | null
  /** run-progress: what the finished run will set each watermark to. */
  readonly watermarks: Map<Entity, Date>
  /** run-progress: QuickBooks' time up to which changes of each entity are written, even where its watermark stays. */
  readonly captured: Map<Entity, Date>
  /** run-progress: entities of which change data capture reported everything, deletes included, before the listing. */
  readonly capturedFirst: Set<Entity>
  /** run-progress: entities that failed in this run. */
  readonly troubles: Map<Entity, RunTrouble>
  /** run-progress */
  readonly counts: Map<Entity, EntityCounts>
  /** run-progress: entities that have unresolved rejects. Those of earlier runs were read when the run was opened. */
  readonly openRejects: Set<Entity>
  /** write-page: what complete listings found and nothing had reported. */
  readonly drift: Map<Entity, Drift[]>
  /** list-entity: entities whose listing came further but is not finished. */
  readonly advanced: Set<Entity>
  /** list-entity: it interrupted a listing to let others go first; what was listed is kept. */
  gaveWay: boolean
  /** for-each-entity: at least one entity could be read. */
  isServed: boolean
  /** delete-missing: most of the company was found to be gone, which is checked once. */
  isVanishing: boolean
  /** record-calls: calls that no committed transaction has recorded yet. */
  readonly unrecordedCalls: QuickBooksCall[]
  /** record-calls */
  requests: number
  /** record-calls */
  meteredCalls: number
}

/** Why an entity failed in this run. */
export interface RunTrouble {
  readonly error: LedgerError
  readonly owes: Owed
}
