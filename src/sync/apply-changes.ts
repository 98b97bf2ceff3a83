import type { Tx } from '../db/database.ts'
import type { Change, Page, Tombstone, Version } from '../domain/change.ts'
import { decide, isReadOtherwise, type Decision, type Known } from '../domain/decide.ts'
import { driftKindOf, type Drift } from '../domain/drift.ts'
import type { Entity } from '../domain/entity.ts'
import type { EntityCounts } from '../domain/sync-run.ts'
import { findSameColumns } from './compare-columns.ts'
import { readRejected } from './keep-rejects.ts'
import { readKnown } from './known-records.ts'
import { OVERLAP_MS, stateOf } from './entity-state.ts'
import type { Run } from './run.ts'
import type { PageOptions } from './write-page.ts'
import {
  keepTombstones,
  deleteAll,
  liftTombstones,
  touchAll,
  writeAll,
  type WriteContext,
} from './write-records.ts'

interface Decided {
  readonly change: Change
  readonly known: Known
  readonly decision: Decision
}

export interface Applied {
  readonly counts: Partial<EntityCounts>
  readonly drift: readonly Drift[]
}

/** Decides what to do with every change of a page, and writes it: one statement for each kind of write. */
export async function applyChanges(
  tx: Tx,
  run: Run,
  entity: Entity,
  page: Page,
  { authoritative, compares = false }: Pick<PageOptions, 'authoritative' | 'compares'>,
): Promise<Applied> {
  if (page.changes.length === 0) return { counts: {}, drift: [] }
  const reading = {
    observedAt: page.observedAt,
    authoritative,
    runBeganAt: run.firstAnswerAt ?? page.observedAt,
  }
  const known = await readKnown(
    tx.trx,
    run.realmId,
    entity,
    page.changes.map((change) => change.qboId),
  )
  const held = ({ qboId }: Change): Known => known.get(qboId) ?? { record: null, buried: null }
  const readOtherwise = page.changes.filter((change): change is Version =>
    isReadOtherwise(change, held(change)),
  )
  const same = await findSameColumns(tx, run.realmId, entity, readOtherwise)
  const decided = page.changes.map((change): Decided => {
    const alike: Known = { ...held(change), sameColumns: same.has(change.qboId) }
    return { change, known: alike, decision: decide(change, alike, reading) }
  })
  const context: WriteContext = { tx, realmId: run.realmId, runId: run.id, entity, ...reading }
  const lost = await write(context, decided)
  const drift = compares ? await findDrift(context, run, decided) : []
  return { counts: { ...count(decided, lost), drifted: drift.length }, drift }
}

/** @returns the ids that the guard in the statement refused, because somebody else has written something newer. */
async function write(context: WriteContext, decided: readonly Decided[]): Promise<ReadonlySet<string>> {
  const versions = (...decisions: Decision[]): Version[] =>
    decided.filter(({ decision }) => decisions.includes(decision)).map(({ change }) => change as Version)
  const tombstones = (decision: Decision): Tombstone[] =>
    decided.filter((one) => one.decision === decision).map(({ change }) => change as Tombstone)

  const known = new Map(decided.map((one) => [one.change.qboId, one.known]))
  const written = versions('inserted', 'updated', 'revived')
  const touched = versions('touched')
  const deleted = tombstones('deleted')
  const done = [
    await writeAll(context, written, (version) =>
      sourceValidFrom(version, known.get(version.qboId), context),
    ),
    await touchAll(context, touched),
    await deleteAll(context, deleted),
  ].flat()
  await keepTombstones(context, tombstones('buried'))
  await liftTombstones(
    context,
    written.filter((version) => known.get(version.qboId)?.buried).map((version) => version.qboId),
  )
  const lost = new Set([...written, ...touched, ...deleted].map((change) => change.qboId))
  for (const qboId of done) lost.delete(qboId)
  return lost
}

/** LastUpdatedTime, or the answer's time where the content changed and LastUpdatedTime did not. */
function sourceValidFrom(version: Version, known: Known | undefined, { observedAt }: WriteContext): Date {
  const before = known?.record?.sourceUpdatedAt
  return before && version.sourceUpdatedAt <= before ? observedAt : version.sourceUpdatedAt
}

function count(decided: readonly Decided[], lost: ReadonlySet<string>): Partial<EntityCounts> {
  const counts: Partial<Record<Decision, number>> = {}
  for (const { change, decision } of decided) {
    const outcome = lost.has(change.qboId) ? 'stale' : decision
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

/**
 * What a listing had to correct and change data capture never reported. A record that it did report and that was
 * rejected then is not drift, nor is a delete while its answers were incomplete.
 */
async function findDrift(
  { tx, realmId, entity }: WriteContext,
  run: Run,
  decided: readonly Decided[],
): Promise<Drift[]> {
  const { watermark } = stateOf(run, entity)
  if (!watermark) return []
  const askedFrom = watermark.getTime() - OVERLAP_MS
  const isTold = ({ change }: Decided) =>
    change.kind === 'tombstone'
      ? !run.capturedFirst.has(entity)
      : change.sourceUpdatedAt.getTime() >= askedFrom
  const drift = decided.flatMap((one): Drift[] => {
    const kind = driftKindOf(one.decision)
    return kind === null || isTold(one) ? [] : [{ qboId: one.change.qboId, kind }]
  })
  if (drift.length === 0 || !run.openRejects.has(entity)) return drift
  const rejected = await readRejected(
    tx,
    realmId,
    entity,
    drift.map(({ qboId }) => qboId),
  )
  return drift.filter(({ qboId }) => !rejected.has(qboId))
}
