import { rowsOf, type Tx } from '../db/database.ts'
import type { Reject, Version } from '../domain/change.ts'
import { ENTITIES, type Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { mapStored, MAPPING_VERSION } from '../quickbooks/mappers.ts'
import { fenced } from './fenced.ts'
import { keepRejects } from './keep-rejects.ts'
import { stateOf } from './entity-state.ts'
import type { Run } from './run.ts'
import { addCounts, noteRejected } from './run-progress.ts'

const ROWS_PER_STATEMENT = 1000

/**
 * After an upgrade of the mapping: maps the stored payloads again, without a call. The trigger creates a version only
 * for rows whose content then differs. Rejects become due at once, because the new mapping may take them; what it no
 * longer takes becomes a reject, and its row stays as it was.
 */
export async function remap(run: Run): Promise<void> {
  for (const entity of ENTITIES) {
    // Also while a first listing is unfinished: its pages from before the upgrade are rows like any others.
    if (run.states.has(entity) && stateOf(run, entity).mappingVersion < MAPPING_VERSION) {
      await remapEntity(run, entity)
    }
  }
}

async function remapEntity(run: Run, entity: Entity): Promise<void> {
  await fenced(run, (tx) => makeRejectsDue(tx, run, entity))
  let after = ''
  for (;;) {
    const stored = await readOutdated(run, entity, after)
    if (stored.length === 0) return
    await fenced(run, (tx) => writeRemapped(tx, run, entity, stored))
    after = stored.at(-1)!.qboId
  }
}

interface StoredPayload {
  readonly qboId: string
  readonly raw: string
}

async function readOutdated(run: Run, entity: Entity, after: string): Promise<StoredPayload[]> {
  return rowsOf<StoredPayload>(
    run.database.knex,
    `SELECT qbo_id AS "qboId", raw::text AS raw
       FROM ${MIRRORED_TABLES[entity].table}
      WHERE realm_id = :realmId AND qbo_id > :after AND mapping_version < :mappingVersion
      ORDER BY qbo_id
      LIMIT :most`,
    { realmId: run.realmId, after, mappingVersion: MAPPING_VERSION, most: ROWS_PER_STATEMENT },
  )
}

async function writeRemapped(
  tx: Tx,
  run: Run,
  entity: Entity,
  stored: readonly StoredPayload[],
): Promise<void> {
  const { table, content } = MIRRORED_TABLES[entity]
  const mapped = stored.map(({ raw }) => mapStored(entity, raw, { homeCurrency: run.homeCurrency }))
  const versions = mapped.filter((one): one is Version => 'kind' in one)
  const rejects = mapped.filter((one): one is Reject => !('kind' in one))
  const contentColumns = Object.values<string>(content)
  const columns = [...contentColumns, 'content_hash', 'mapping_version']
  const row = (of: string) => `ROW(${contentColumns.map((column) => `${of}.${column}`).join(', ')})`
  const remapped = await rowsOf<{ versioned: boolean }>(
    tx.trx,
    `UPDATE ${table} AS t
        SET ${columns.map((column) => `${column} = r.${column}`).join(', ')},
            sync_run_id = CASE WHEN ${row('t')} IS DISTINCT FROM ${row('r')} THEN :runId ELSE t.sync_run_id END
       FROM jsonb_populate_recordset(NULL::${table}, CAST(:rows AS jsonb)) AS r
      WHERE t.realm_id = :realmId AND t.qbo_id = r.qbo_id
     RETURNING t.tx_id = pg_current_xact_id() AS versioned`,
    {
      realmId: run.realmId,
      runId: run.id,
      rows: JSON.stringify(versions.map((version) => remappedRow(entity, version))),
    },
  )
  await keepRejects(tx, run, entity, { rejects, observedAt: null })
  addCounts(run, entity, { updated: remapped.filter(({ versioned }) => versioned).length })
  noteRejected(run, entity, rejects.length)
}

function remappedRow(entity: Entity, version: Version): Record<string, unknown> {
  const values = version.content as unknown as Record<string, unknown>
  const content = Object.entries<string>(MIRRORED_TABLES[entity].content)
  return {
    qbo_id: version.qboId,
    content_hash: version.contentHash,
    mapping_version: MAPPING_VERSION,
    ...Object.fromEntries(content.map(([name, column]) => [column, values[name]])),
  }
}

async function makeRejectsDue(tx: Tx, run: Run, entity: Entity): Promise<void> {
  await tx.trx.raw(
    `UPDATE sync_rejects
        SET retry_at = :now
      WHERE realm_id = :realmId AND entity = :entity AND resolved_at IS NULL AND retry_at > :now`,
    { realmId: run.realmId, entity, now: tx.now },
  )
}
