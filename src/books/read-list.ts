import { rowsOf, rowsOfPrepared, type Database } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { openCursor, sealCursor, type Cursor, type Pinned, type Place } from './list-cursor.ts'
import { narrow, type Filters } from './list-filters.ts'
import { partyName, sortKey, type Order, type SortKey } from './list-order.ts'
import { LISTS } from './lists.ts'
import { momentOf, rowsAt, type Moment } from './moment.ts'
import { PARTIES, partyJoin, rowColumns, type Bindings, type RecordRow } from './record-row.ts'
import { readRejectedSince } from './rejected-since.ts'
import { showRecord } from './show-record.ts'
import type { ShownRecord } from './shown-record.ts'
import { notYetRead, readStanding, type BooksOptions, type Mirror, type Standing } from './standing.ts'

export interface ListQuestion<Of extends Entity = Entity> {
  readonly realmId: string
  readonly entity: Of
  readonly moment: Moment
  readonly filters: Filters
  readonly order: Order
  readonly cursor: string | null
  readonly limit: number
  readonly withLines: boolean
}

export interface ListAnswer<Of extends Entity = Entity> {
  readonly data: readonly ShownRecord<Of>[]
  /** Null at the end of the list. */
  readonly nextCursor: string | null
  readonly mirror: Mirror
}

/**
 * A page of a list. All pages that follow from one another show the mirror of one moment: that of the question, or the
 * one at which the first was read. So a record that changes meanwhile is neither skipped nor repeated.
 *
 * @throws LedgerError `not_found`, `never_synced`; `invalid_request` for a cursor that is not of this list.
 */
export async function readList<Of extends Entity>(
  options: BooksOptions,
  question: ListQuestion<Of>,
): Promise<ListAnswer<Of>> {
  const { entity, limit, withLines } = question
  const key = sortKey(entity, question.order.by)
  if (!key) throw new RangeError(`${LISTS[entity]} are not sorted by ${question.order.by}`)
  const list = identityOf(question)
  const cursor = question.cursor === null ? null : openCursor(question.cursor, list, key)
  const standing = await readStanding(options, { ...question, pinned: cursor?.pinned ?? null })
  if (!standing.wasComplete) throw notYetRead(standing)
  const rows = await readPage(options.database, { question, key, standing, cursor })
  const shown = rows.slice(0, limit)
  const rejectedSince = await readRejectedSince(
    options.database,
    standing,
    shown.map(({ qboId }) => qboId),
  )
  const last = rows.length > limit ? shown.at(-1) : undefined
  return {
    data: shown.map((row) =>
      showRecord(entity, row, { standing, withLines, rejectedSince: rejectedSince.get(row.qboId) ?? null }),
    ),
    nextCursor: last ? sealCursor({ place: placeOf(last), pinned: pin(standing, cursor, last) }, list) : null,
    mirror: standing.mirror,
  }
}

function identityOf({ realmId, entity, moment, filters, order }: ListQuestion): string {
  const set = Object.entries(filters).filter(([, value]) => value !== undefined && value !== false)
  return JSON.stringify([
    realmId,
    entity,
    moment.asOf,
    moment.sourceAsOf,
    order.by,
    order.descending,
    set.sort(),
  ])
}

type ListRow<Of extends Entity> = RecordRow<Of> & {
  readonly sortValue: string | null
  /** The latest moment of the company's records, if the question has no moment. */
  readonly latest: string | null
}

function placeOf({ sortValue, qboId }: ListRow<Entity>): Place {
  return { value: sortValue, qboId }
}

function pin(
  { today, confirmedAt, laggingSince }: Standing,
  cursor: Cursor | null,
  row: ListRow<Entity>,
): Pinned {
  const asOf = cursor ? cursor.pinned.asOf : row.latest && momentOf(row.latest)
  return { asOf, today, confirmedAt, laggingSince }
}

interface PageToRead<Of extends Entity> {
  readonly question: ListQuestion<Of>
  readonly key: SortKey
  readonly standing: Standing
  readonly cursor: Cursor | null
}

/**
 * One row more than is shown, if there is one. If records may lack the sort value, the list has two stretches: those
 * with a value, in its order, then those without, by id. Each is one range of an index.
 */
async function readPage<Of extends Entity>(
  { knex }: Pick<Database, 'knex'>,
  page: PageToRead<Of>,
): Promise<ListRow<Of>[]> {
  const { question, key, cursor } = page
  const wanted = question.limit + 1
  const read = isOneOfFew(question) ? rowsOfPrepared<ListRow<Of>> : rowsOf<ListRow<Of>>
  const inValues = cursor === null || cursor.place.value !== null
  const rows: ListRow<Of>[] = []
  if (inValues) {
    const { sql, bindings } = pageStatement(page, 'valued', cursor?.place ?? null)
    rows.push(...(await read(knex, sql, { ...bindings, limit: wanted })))
  }
  if (!key.nullable || rows.length === wanted) return rows
  const { sql, bindings } = pageStatement(page, 'empty', inValues ? null : (cursor?.place ?? null))
  rows.push(...(await read(knex, sql, { ...bindings, limit: wanted - rows.length })))
  return rows
}

// A connection keeps the plan of each text it has prepared. These are the lists that dashboards read all the time.
function isOneOfFew({ filters, order, moment }: ListQuestion): boolean {
  const { status: _, includeDeleted = false, ...others } = filters
  const narrowed = includeDeleted || Object.values(others).some((value) => value !== undefined)
  return !narrowed && moment.sourceAsOf === null && (order.by === 'qboId' || order.by === 'dueDate')
}

function pageStatement(
  { question, key, standing, cursor }: PageToRead<Entity>,
  stretch: 'valued' | 'empty',
  after: Place | null,
): { sql: string; bindings: Bindings } {
  const { realmId, entity, filters, order, withLines } = question
  const moment = { ...question.moment, asOf: cursor?.pinned.asOf ?? question.moment.asOf }
  const narrowed = narrow(entity, filters)
  const needsParty = key.needsParty || narrowed.needsParty
  const conditions = [
    'd.realm_id = :realmId',
    ...narrowed.conditions,
    ...stretchConditions(key, order, stretch, after),
  ]
  const direction = order.descending ? 'DESC' : 'ASC'
  const goesBy = stretch === 'valued' && order.by !== 'qboId' ? [`"sortKey" ${direction}`] : []
  const ordering = [...goesBy, `"qboId" ${direction}`].join(', ')
  const party = PARTIES[entity]
  const columns = rowColumns(entity, { withLines })
  const named = party && !needsParty ? 'p.display_name' : 'd."namedParty"'
  // The page is cut before names are looked up: for a hundred rows, not all.
  const sql = `
    SELECT ${columns.map(({ name }) => `d."${name}"`).join(', ')}, ${named} AS "partyName",
           CAST(d."sortKey" AS text) AS "sortValue", ${latestMoment(entity, moment)} AS latest
      FROM (SELECT ${columns.map(({ name, sql }) => `${sql} AS "${name}"`).join(', ')}, ${key.sql} AS "sortKey",
                   ${party ? `d.${party.id}` : 'NULL'} AS "partyId",
                   ${party && needsParty ? partyName(entity) : 'NULL'} AS "namedParty"
              FROM ${rowsAt(entity, moment)} d
              ${party && needsParty ? `LEFT JOIN ${rowsAt(party.entity, moment)} p ON p.realm_id = :realmId AND p.qbo_id = d.${party.id}` : ''}
             WHERE ${conditions.join(' AND ')}
             ORDER BY ${ordering}
             LIMIT :limit) d
      ${needsParty ? '' : partyJoin(entity, moment, 'd."partyId"')}
     ORDER BY ${ordering}`
  return {
    sql,
    bindings: {
      ...moment,
      ...narrowed.bindings,
      realmId,
      today: standing.today,
      afterValue: after?.value ?? null,
      afterId: after?.qboId ?? null,
    },
  }
}

function stretchConditions(
  key: SortKey,
  { by, descending }: Order,
  stretch: 'valued' | 'empty',
  after: Place | null,
): string[] {
  const behind = descending ? '<' : '>'
  if (stretch === 'empty' || by === 'qboId') {
    return [
      ...(stretch === 'empty' ? [`${key.sql} IS NULL`] : []),
      ...(after ? [`d.qbo_id ${behind} CAST(:afterId AS text)`] : []),
    ]
  }
  return [
    ...(key.nullable ? [`${key.sql} IS NOT NULL`] : []),
    ...(after
      ? [`(${key.sql}, d.qbo_id) ${behind} (CAST(:afterValue AS ${key.type}), CAST(:afterId AS text))`]
      : []),
  ]
}

/**
 * The moment of the latest version in the same snapshot as the rows: as of then, the mirror held what the page shows. A
 * company has one writer at a time, so nothing that began earlier can appear later.
 */
function latestMoment(entity: Entity, { asOf }: Moment): string {
  if (asOf !== null) return 'NULL'
  const party = PARTIES[entity]
  const latest = [entity, ...(party ? [party.entity] : [])].map(
    (one) => `(SELECT max(t.valid_from) FROM ${MIRRORED_TABLES[one].table} t WHERE t.realm_id = :realmId)`,
  )
  return `CAST(greatest(${latest.join(', ')}) AS text)`
}
