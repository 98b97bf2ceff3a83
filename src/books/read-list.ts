import { rowsOf, rowsOfPrepared, type Database } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { openCursor, sealCursor, type Cursor, type Pinned, type Place } from './list-cursor.ts'
import { narrow, type Filters } from './list-filters.ts'
import { latestMoment, readListParties, type ListParties } from './list-parties.ts'
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
  const parties = await partiesOf(options.database, question, cursor)
  const rows = await readPage(options.database, { question, key, standing, cursor, parties })
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
    nextCursor: last
      ? sealCursor({ place: placeOf(last), pinned: pin(standing, { cursor, parties }, last) }, list)
      : null,
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
  { cursor, parties }: Pick<PageToRead<Entity>, 'cursor' | 'parties'>,
  row: ListRow<Entity>,
): Pinned {
  const asOf = cursor ? cursor.pinned.asOf : (parties?.asOf ?? (row.latest && momentOf(row.latest)))
  return { asOf, today, confirmedAt, laggingSince }
}

interface PageToRead<Of extends Entity> {
  readonly question: ListQuestion<Of>
  readonly key: SortKey
  readonly standing: Standing
  readonly cursor: Cursor | null
  /** Where the list goes by party. */
  readonly parties: ListParties | null
}

/**
 * A list that goes by the names of parties, unless it is of a moment long ago: of that the index of documents by party
 * knows nothing.
 */
async function partiesOf(
  { knex }: Pick<Database, 'knex'>,
  { realmId, entity, moment, filters, order }: ListQuestion,
  cursor: Cursor | null,
): Promise<ListParties | null> {
  if (moment.asOf !== null || moment.sourceAsOf !== null) return null
  if (order.by !== 'counterparty' && filters.counterparty === undefined) return null
  return readListParties(knex, {
    realmId,
    entity,
    asOf: cursor?.pinned.asOf ?? null,
    counterparty: filters.counterparty,
  })
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
  const read = isOneOfFew(page) ? rowsOfPrepared<ListRow<Of>> : rowsOf<ListRow<Of>>
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

// A connection keeps the plan of each text it has prepared. These are the lists that dashboards read all the time. No plan
// suits every moment: of one long ago much has ended since, of the last minute next to nothing.
function isOneOfFew({ question: { filters, order, moment }, cursor }: PageToRead<Entity>): boolean {
  const { status: _, includeDeleted = false, ...others } = filters
  const narrowed = includeDeleted || Object.values(others).some((value) => value !== undefined)
  const isPresent = moment.asOf === null && moment.sourceAsOf === null && cursor === null
  return !narrowed && isPresent && (order.by === 'qboId' || order.by === 'dueDate')
}

function pageStatement(
  { question, key, standing, cursor, parties }: PageToRead<Entity>,
  stretch: 'valued' | 'empty',
  after: Place | null,
): { sql: string; bindings: Bindings } {
  const { realmId, entity, filters, order, withLines } = question
  const moment = {
    ...question.moment,
    asOf: cursor?.pinned.asOf ?? parties?.asOf ?? question.moment.asOf,
  }
  const narrowed = narrow(entity, filters)
  const needsParty = key.needsParty || narrowed.needsParty
  const conditions = [
    'd.realm_id = :realmId',
    ...narrowed.conditions,
    ...stretchConditions(key, order, stretch, after),
    ...partyConditions(entity, parties, key, stretch),
  ]
  const goesByParty =
    order.by === 'counterparty' && stretch === 'valued' && parties !== null && parties.strangers.length === 0
  const direction = order.descending ? 'DESC' : 'ASC'
  const goesBy = stretch === 'valued' && order.by !== 'qboId' ? [`"sortKey" ${direction}`] : []
  const ordering = [...goesBy, `"qboId" ${direction}`].join(', ')
  const party = PARTIES[entity]
  const columns = rowColumns(entity, { withLines })
  const named = party && !needsParty ? 'p.display_name' : 'd."namedParty"'
  const cut = (kept: readonly string[]) => `
            SELECT ${columns.map(({ name, sql }) => `${sql} AS "${name}"`).join(', ')},
                   ${goesByParty ? 'p.display_name' : key.sql} AS "sortKey",
                   ${party ? `d.${party.id}` : 'NULL'} AS "partyId",
                   ${party && needsParty ? partyName(entity) : 'NULL'} AS "namedParty"
              FROM ${goesByParty ? rowsByParty(entity, moment, kept, order) : rowsBesideParty(entity, moment, needsParty)}
             WHERE ${goesByParty ? 'true' : kept.join(' AND ')}
             ORDER BY ${ordering}
             LIMIT :limit`
  // The page is cut before names are looked up: for a hundred rows, not all.
  const sql = `
    SELECT ${columns.map(({ name }) => `d."${name}"`).join(', ')}, ${named} AS "partyName",
           CAST(d."sortKey" AS text) AS "sortValue", ${latestMoment(entity, moment)} AS latest
      FROM (SELECT *
              FROM (${heldIn(moment)
                .map((held) => `(${cut([...conditions, ...held])})`)
                .join(' UNION ALL ')}) d
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
      parties: parties?.named ? [...parties.named, ...parties.strangers] : null,
      afterValue: after?.value ?? null,
      afterId: after?.qboId ?? null,
    },
  }
}

/**
 * The parts of a list at a moment, each as its conditions: what ended since and what is held still. Cut one by one,
 * because Postgres takes the order of an index for cheap and does not know that of one part it may have to read
 * everything to find the first row.
 */
function heldIn({ asOf, sourceAsOf }: Moment): (readonly string[])[] {
  if (asOf === null || sourceAsOf !== null) return [[]]
  return [['d.valid_to > CAST(:asOf AS timestamptz)'], ['d.valid_to IS NULL']]
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

/** With these, no document is read in vain. They only repeat for Postgres what the other conditions say already. */
function partyConditions(
  entity: Entity,
  parties: ListParties | null,
  key: SortKey,
  stretch: 'valued' | 'empty',
): string[] {
  const party = PARTIES[entity]
  if (!parties || !party) return []
  const isNameless = key.needsParty && stretch === 'empty' && parties.strangers.length === 0
  return [
    ...(parties.named ? [`d.${party.id} = ANY (CAST(:parties AS text[]))`] : []),
    ...(isNameless ? [`d.${party.id} IS NULL`] : []),
  ]
}

function rowsBesideParty(entity: Entity, moment: Moment, needsParty: boolean): string {
  const party = PARTIES[entity]
  if (!party || !needsParty) return `${rowsAt(entity, moment)} d`
  return `${rowsAt(entity, moment)} d
              LEFT JOIN ${rowsAt(party.entity, moment)} p ON p.realm_id = :realmId AND p.qbo_id = d.${party.id}`
}

/** The parties in the order of their names, and of each as many documents as a page can have. */
function rowsByParty(
  entity: Entity,
  moment: Moment,
  conditions: readonly string[],
  { descending }: Order,
): string {
  const party = PARTIES[entity]!
  return `(SELECT n.qbo_id, n.display_name
                      FROM ${rowsAt(party.entity, moment)} n
                     WHERE n.realm_id = :realmId
                       AND (CAST(:afterValue AS text) IS NULL
                            OR n.display_name ${descending ? '<=' : '>='} CAST(:afterValue AS text))
                     ORDER BY n.display_name ${descending ? 'DESC' : 'ASC'}) p
             CROSS JOIN LATERAL (SELECT d.*
                                   FROM ${rowsAt(entity, moment)} d
                                  WHERE d.${party.id} = p.qbo_id AND ${conditions.join(' AND ')}
                                  ORDER BY d.qbo_id ${descending ? 'DESC' : 'ASC'}
                                  LIMIT :limit) d`
}
