import type { Knex } from 'knex'
import { rowsOf } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { momentOf, rowsAt, type Moment } from './moment.ts'
import { PARTIES } from './record-row.ts'

/** Whom a list of documents names, so that it can go by party instead of reading every document. */
export interface ListParties {
  /** At which this holds: that of the question, else the company's latest. */
  readonly asOf: string
  /** Ids of the parties with the wanted name; null: none was wanted. */
  readonly named: readonly string[] | null
  /** Ids that documents name and that the mirror does not have as parties: their names are in the documents alone. */
  readonly strangers: readonly string[]
}

interface PartiesQuestion {
  readonly realmId: string
  readonly entity: Entity
  /** Recent, as that of a page run: what ended since is read. Null: now. */
  readonly asOf: string | null
  /** A part of the name, case-insensitive. */
  readonly counterparty: string | undefined
}

/**
 * The parties of a company's list at a moment. Their ids are found by jumping from one to the next in the index of
 * documents by party, so it takes a look per party and not per document.
 *
 * @returns null where a list cannot go by party: the entity has none, the company holds nothing, or a document has the
 *   name of one without its id.
 */
export async function readListParties(
  knex: Knex,
  { realmId, entity, asOf, counterparty }: PartiesQuestion,
): Promise<ListParties | null> {
  const party = PARTIES[entity]
  if (!party) return null
  const { table } = MIRRORED_TABLES[entity]
  const moment = { asOf, sourceAsOf: null }
  const next = (after: string) =>
    `(SELECT d.${party.id} FROM ${table} d WHERE d.realm_id = :realmId AND ${after} ORDER BY d.${party.id} LIMIT 1)`
  const anonymous = (from: string) =>
    `EXISTS (SELECT FROM ${from} d WHERE d.realm_id = :realmId AND d.${party.id} IS NULL AND d.${party.name} IS NOT NULL`
  const sinceThen = 'valid_to > CAST(:asOf AS timestamptz)'
  const parties = `${rowsAt(party.entity, moment)} p WHERE p.realm_id = :realmId`
  const [row] = await rowsOf<{
    latest: string | null
    named: readonly string[] | null
    strangers: readonly string[]
    anonymous: boolean
  }>(
    knex,
    `WITH RECURSIVE ids (id) AS (
       ${next(`d.${party.id} IS NOT NULL`)}
       UNION ALL
       SELECT ${next(`d.${party.id} > i.id`)} FROM ids i WHERE i.id IS NOT NULL
     )
     SELECT ${asOf === null ? latestMoment(entity, moment) : 'CAST(:asOf AS text)'} AS latest,
            ${counterparty === undefined ? 'NULL' : `ARRAY(SELECT p.qbo_id FROM ${parties} AND ${named('p.display_name')})`} AS named,
            ARRAY((SELECT i.id FROM ids i WHERE i.id IS NOT NULL
                   ${asOf === null ? '' : `UNION SELECT h.${party.id} FROM ${table}_history h WHERE h.realm_id = :realmId AND h.${sinceThen} AND h.${party.id} IS NOT NULL`})
                  EXCEPT SELECT p.qbo_id FROM ${parties}) AS strangers,
            ${anonymous(table)})${asOf === null ? '' : ` OR ${anonymous(`${table}_history`)} AND d.${sinceThen})`} AS anonymous`,
    { realmId, asOf, counterparty: counterparty ?? null },
  )
  if (!row || row.latest === null || row.anonymous) return null
  return {
    asOf: asOf ?? momentOf(row.latest),
    named: row.named,
    strangers: row.strangers,
  }
}

/** Whether a name, as SQL, has `:counterparty` as a part. */
export function named(name: string): string {
  return `strpos(lower(${name}), lower(CAST(:counterparty AS text))) > 0`
}

/**
 * The moment of the latest version in the same snapshot as the rows: as of then, the mirror held what the page shows. A
 * company has one writer at a time, so nothing that began earlier can appear later.
 */
export function latestMoment(entity: Entity, { asOf }: Moment): string {
  if (asOf !== null) return 'NULL'
  const party = PARTIES[entity]
  const latest = [entity, ...(party ? [party.entity] : [])].map(
    (one) => `(SELECT max(t.valid_from) FROM ${MIRRORED_TABLES[one].table} t WHERE t.realm_id = :realmId)`,
  )
  return `CAST(greatest(${latest.join(', ')}) AS text)`
}
