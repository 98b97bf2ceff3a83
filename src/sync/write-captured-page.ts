import { rowsOf } from '../db/database.ts'
import type { Page, Tombstone } from '../domain/change.ts'
import { isDisputed } from '../domain/decide.ts'
import type { Entity } from '../domain/entity.ts'
import { noteAlive, readKnown } from './known-records.ts'
import type { Run } from './run.ts'
import { writePage } from './write-page.ts'

/**
 * Writes a page from change data capture. Records whose tombstone contradicts the same answer or a later one are asked
 * for by id first.
 */
export async function writeCapturedPage(run: Run, entity: Entity, page: Page | undefined): Promise<void> {
  if (!page) return
  const disputed = await findDisputed(run, entity, page)
  const undisputed = page.changes.filter((change) => !disputed.has(change.qboId) || change.kind === 'version')
  await writePage(run, entity, { ...page, changes: undisputed }, { authoritative: false })
  if (disputed.size === 0) return
  const { page: alive, missing } = await run.reader.byIds(entity, [...disputed.keys()])
  await writePage(run, entity, alive, {
    authoritative: true,
    // The next answer reports the tombstone again, perhaps without the record beside it.
    along: (tx) => noteAlive(tx, run, entity, alive),
  })
  // They are proved by the answer by id, as of that answer's time.
  const confirmed = missing.flatMap((qboId) => disputed.get(qboId) ?? [])
  await writePage(run, entity, { ...alive, changes: confirmed, rejects: [] }, { authoritative: true })
}

async function findDisputed(
  run: Run,
  entity: Entity,
  { changes, rejects }: Page,
): Promise<ReadonlyMap<string, Tombstone>> {
  const tombstones = changes.filter((change) => change.kind === 'tombstone')
  if (tombstones.length === 0) return new Map()
  const ids = tombstones.map((tombstone) => tombstone.qboId)
  const known = await readKnown(run.database.knex, run.realmId, entity, ids)
  const shown = [...changes.filter((change) => change.kind === 'version'), ...rejects]
  const alive = new Set([
    ...shown.map(({ qboId }) => qboId),
    ...(await readRejectedSince(run, entity, tombstones)),
  ])
  return new Map(
    tombstones
      .filter(
        (tombstone) =>
          alive.has(tombstone.qboId) ||
          isDisputed(tombstone, known.get(tombstone.qboId) ?? { record: null, buried: null }),
      )
      .map((tombstone) => [tombstone.qboId, tombstone]),
  )
}

/** Records that an answer showed after their alleged delete, although they were rejected. */
async function readRejectedSince(
  run: Run,
  entity: Entity,
  tombstones: readonly Tombstone[],
): Promise<string[]> {
  if (!run.openRejects.has(entity)) return []
  const rows = await rowsOf<{ qboId: string }>(
    run.database.knex,
    `SELECT r.qbo_id AS "qboId"
       FROM sync_rejects r
       JOIN jsonb_to_recordset(CAST(:tombstones AS jsonb)) AS t (qbo_id text, deleted_at timestamptz)
         ON t.qbo_id = r.qbo_id
      WHERE r.realm_id = :realmId AND r.entity = :entity AND r.resolved_at IS NULL AND r.observed_at > t.deleted_at`,
    {
      realmId: run.realmId,
      entity,
      tombstones: JSON.stringify(
        tombstones.map(({ qboId, sourceUpdatedAt }) => ({ qbo_id: qboId, deleted_at: sourceUpdatedAt })),
      ),
    },
  )
  return rows.map(({ qboId }) => qboId)
}
