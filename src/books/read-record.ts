import { rowsOfPrepared } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import { rowsAt, type Moment } from './moment.ts'
import { PARTIES, partyJoin, rowColumns, type RecordRow } from './record-row.ts'
import { readRejectedSince } from './rejected-since.ts'
import { showRecord } from './show-record.ts'
import type { ShownRecord } from './shown-record.ts'
import { notYetRead, readStanding, type BooksOptions, type Mirror } from './standing.ts'

export interface RecordQuestion<Of extends Entity = Entity> {
  readonly realmId: string
  readonly entity: Of
  readonly qboId: string
  readonly moment: Moment
}

/**
 * One record with its lines. A deleted record is shown too; `status` and `deletedAt` say so.
 *
 * @throws LedgerError `not_found`, of the company or of the record at the moment; `never_synced`.
 */
export async function readRecord<Of extends Entity>(
  options: BooksOptions,
  question: RecordQuestion<Of>,
): Promise<ShownRecord<Of> & { readonly mirror: Mirror }> {
  const { realmId, entity, qboId, moment } = question
  const standing = await readStanding(options, { ...question, pinned: null })
  const party = PARTIES[entity]
  const columns = rowColumns(entity, { withLines: true })
  const [row] = await rowsOfPrepared<RecordRow<Of>>(
    options.database.knex,
    `SELECT ${columns.map(({ name, sql }) => `${sql} AS "${name}"`).join(', ')}, ${party ? 'p.display_name' : 'NULL'} AS "partyName"
       FROM ${rowsAt(entity, moment)} d
       ${party ? partyJoin(entity, moment, `d.${party.id}`) : ''}
      WHERE d.realm_id = :realmId AND d.qbo_id = :qboId`,
    { realmId, qboId, today: standing.today, ...moment },
  )
  if (!row)
    throw standing.wasComplete ? new LedgerError('not_found', missing(question)) : notYetRead(standing)
  const rejectedSince = (await readRejectedSince(options.database, standing, [qboId])).get(qboId) ?? null
  return { ...showRecord(entity, row, { standing, rejectedSince, withLines: true }), mirror: standing.mirror }
}

function missing({ realmId, entity, qboId, moment: { asOf, sourceAsOf } }: RecordQuestion): string {
  if (asOf === null && sourceAsOf === null) return `company ${realmId} has no ${entity} ${qboId}`
  const then = [sourceAsOf && `at ${sourceAsOf} by QuickBooks' clock`, asOf && `as known at ${asOf}`]
  return `company ${realmId} had no ${entity} ${qboId} ${then.filter(Boolean).join(', ')}`
}
