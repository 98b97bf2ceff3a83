import type { Knex } from 'knex'
import { rowsOf } from '../../db/database.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import { MIRRORED_TABLES } from '../../models/mirrored-tables.ts'
import { momentOf } from '../moment.ts'
import type { FeedEpoch } from './feed-epoch.ts'
import type { FeedPlace } from './feed-place.ts'

export type FeedOrder = 'asc' | 'desc'

/** Which part of the feed is read, judged by a version's key alone. */
export interface FeedRange {
  /** Null: all companies. */
  readonly realmId: string | null
  readonly entities: readonly Entity[]
  readonly order: FeedOrder
  /** Versions that began at or after this, by our clock. */
  readonly since: string | null
  /** Versions that began before this. */
  readonly until: string | null
}

export interface FeedKey extends FeedPlace {
  readonly validFrom: string
  /** Stored size of the payload in bytes. */
  readonly weight: number
  /** False where the range leaves it out. */
  readonly isWanted: boolean
}

/**
 * The next versions after a place, in the order in which transactions began to write. Of this epoch only those older
 * than every transaction still running in this database, by the snapshot that reads the rows: whatever commits later
 * sorts later, so no row can appear before a place already handed out.
 *
 * Rows outside the range are returned too, so that a reader passes them in bounded steps.
 */
export async function readFeedKeys(
  knex: Knex,
  epoch: FeedEpoch,
  range: FeedRange,
  { after, isEarlier, most }: { after: FeedPlace | null; isEarlier: boolean; most: number },
): Promise<FeedKey[]> {
  const direction = range.order === 'asc' ? 'ASC' : 'DESC'
  const held = range.entities.flatMap((entity) => {
    const { table } = MIRRORED_TABLES[entity]
    return [table, `${table}_history`].map((of) => ({ of, entity: ENTITIES.indexOf(entity) }))
  })
  const parts = held.map(
    ({ of, entity }) => `
       (SELECT t.tx_id, t.valid_from, t.realm_id, ${entity} AS entity, t.qbo_id, pg_column_size(t.raw) AS weight
          FROM ${of} t
         WHERE ${conditions(range, { hasPlace: after !== null, isEarlier, epoch, entity }).join('\n           AND ')}
         ORDER BY ${orderOf('t', direction, false)}
         LIMIT :most)`,
  )
  const rows = await rowsOf<Omit<FeedKey, 'mark' | 'isEarlier'>>(
    knex,
    `WITH settled AS MATERIALIZED (${SETTLED})
     SELECT CAST(v.tx_id AS text) AS "txId",
            CAST(CAST(extract(epoch FROM v.valid_from) * 1000000 AS bigint) AS text) AS micros,
            v.realm_id AS "realmId", v.entity, v.qbo_id AS "qboId", v.weight,
            CAST(v.valid_from AS text) AS "validFrom",
            v.valid_from >= coalesce(CAST(:since AS timestamptz), '-infinity')
              AND v.valid_from < coalesce(CAST(:until AS timestamptz), 'infinity') AS "isWanted"
       FROM (${parts.join('\n       UNION ALL')}
            ) v
      ORDER BY ${orderOf('v', direction, true)}
      LIMIT :most`,
    {
      most,
      realmId: range.realmId,
      since: range.since,
      until: range.until,
      beganAt: epoch.beganAt,
      txId: after?.txId ?? null,
      micros: after?.micros ?? null,
      placeRealm: after?.realmId ?? null,
      placeEntity: after?.entity ?? null,
      placeQboId: after?.qboId ?? null,
    },
  )
  return rows.map((row) => ({
    ...row,
    validFrom: momentOf(row.validFrom),
    mark: epoch.mark,
    isEarlier,
  }))
}

/**
 * The oldest transaction that this statement's snapshot saw running. One in another database of the cluster, as its
 * lock tells, writes nothing here and delays nobody. One that ended since the snapshot counts, because its database can
 * no longer be told.
 */
const SETTLED = `
       SELECT coalesce(
                (SELECT r.xid
                   FROM pg_snapshot_xip(pg_current_snapshot()) r (xid)
                  WHERE NOT EXISTS (
                          SELECT
                            FROM pg_locks l
                            JOIN pg_stat_activity a ON a.pid = l.pid
                           WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
                             AND l.transactionid = CAST(r.xid AS xid) AND a.datname <> current_database())
                  ORDER BY r.xid
                  LIMIT 1),
                pg_snapshot_xmax(pg_current_snapshot())) AS before_tx`

interface Place {
  readonly hasPlace: boolean
  readonly isEarlier: boolean
  readonly epoch: FeedEpoch
  readonly entity: number
}

function conditions({ realmId, order }: FeedRange, { hasPlace, isEarlier, epoch, entity }: Place): string[] {
  const [reached, beyond] = order === 'asc' ? ['>=', '>'] : ['<=', '<']
  const all = [
    realmId !== null && 't.realm_id = :realmId',
    !isEarlier && 't.tx_id < (SELECT s.before_tx FROM settled s)',
    epoch.hasEarlier && `t.valid_from ${isEarlier ? '<' : '>='} CAST(:beganAt AS timestamptz)`,
    // The transaction alone first: that is what the index covers.
    hasPlace && `t.tx_id ${reached} CAST(:txId AS xid8)`,
    hasPlace &&
      `(t.tx_id, t.valid_from, t.realm_id COLLATE "C", ${entity}, t.qbo_id COLLATE "C") ${beyond}
               (CAST(:txId AS xid8), timestamptz 'epoch' + CAST(:micros AS bigint) * interval '1 microsecond',
                CAST(:placeRealm AS text), CAST(:placeEntity AS integer), CAST(:placeQboId AS text))`,
  ]
  const held = all.filter((condition) => condition !== false)
  return held.length === 0 ? ['true'] : held
}

function orderOf(alias: string, direction: string, withEntity: boolean): string {
  return [
    `${alias}.tx_id`,
    `${alias}.valid_from`,
    `${alias}.realm_id COLLATE "C"`,
    ...(withEntity ? [`${alias}.entity`] : []),
    `${alias}.qbo_id COLLATE "C"`,
  ]
    .map((column) => `${column} ${direction}`)
    .join(', ')
}
