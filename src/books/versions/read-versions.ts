import type { Knex } from 'knex'
import type { Database } from '../../db/database.ts'
import { rowsOf } from '../../db/database.ts'
import type { Entity } from '../../domain/entity.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import { MIRRORED_TABLES } from '../../models/mirrored-tables.ts'
import { readCompanyWords } from '../company-words.ts'
import { NOW, type Moment } from '../moment.ts'
import { describeVersion, type VersionWords } from './describe-version.ts'
import { sideBySide, type SideBySide } from './diff.ts'
import type { HeldVersion } from './held-version.ts'
import { readPairs } from './read-pairs.ts'
import { showVersion, type ShownVersion } from './show-version.ts'
import { shownContent } from './shown-content.ts'
import { withinWeight } from './within-weight.ts'

export interface RecordName<Of extends Entity = Entity> {
  readonly realmId: string
  readonly entity: Of
  readonly qboId: string
}

export interface ListedVersion extends VersionWords {
  readonly validFrom: string
  readonly validTo: string | null
  readonly sourceValidFrom: Date
  readonly sourceUpdatedAt: Date
  readonly syncRunId: number
  readonly syncToken: string | null
  readonly record: ShownVersion
}

export interface VersionsPage {
  readonly versions: readonly ListedVersion[]
  /** The version after which the next page begins, as microseconds since 1970; null on the last page. */
  readonly next: string | null
}

export interface VersionsQuestion {
  /** The `next` of the page before; null for the first. */
  readonly after: string | null
  readonly limit: number
  /** Newest first instead of oldest first. */
  readonly descending?: boolean
  /** Only versions known at this moment. */
  readonly moment?: Moment
}

/**
 * The versions of a record, from the index of its periods. A page may hold fewer than asked for: versions of long
 * invoices are heavy.
 *
 * @throws LedgerError `not_found` of a company or a record that the mirror does not have.
 */
export async function readVersions<Of extends Entity>(
  { knex, clock }: Database,
  record: RecordName<Of>,
  { after, limit, descending = false, moment = NOW }: VersionsQuestion,
): Promise<VersionsPage> {
  const { realmId, entity, qboId } = record
  const company = await readCompanyWords(knex, realmId)
  const keys = await rowsOf<{ validFrom: string; micros: string; weight: number }>(
    knex,
    `SELECT CAST(w.valid_from AS text) AS "validFrom",
            CAST(CAST(extract(epoch FROM w.valid_from) * 1000000 AS bigint) AS text) AS micros,
            pg_column_size(w.raw) AS weight
       FROM ${MIRRORED_TABLES[entity].table}_versions w
      WHERE w.realm_id = :realmId AND w.qbo_id = :qboId
        AND w.valid_from <= coalesce(CAST(:asOf AS timestamptz), 'infinity')
        AND w.source_valid_from <= coalesce(CAST(:sourceAsOf AS timestamptz), 'infinity')
        ${after === null ? '' : `AND w.valid_from ${descending ? '<' : '>'} timestamptz 'epoch' + CAST(:after AS bigint) * interval '1 microsecond'`}
      ORDER BY w.valid_from ${descending ? 'DESC' : 'ASC'}
      LIMIT :most`,
    { realmId, qboId, ...moment, after, most: limit + 1 },
  )
  if (keys.length === 0 && after === null) throw unknownRecord(record)
  const taken = withinWeight(keys.slice(0, limit))
  const pairs = await readPairs(
    knex,
    entity,
    taken.map(({ validFrom }) => ({ realmId, qboId, validFrom })),
  )
  const today = company.dayOf(clock.now())
  return {
    versions: pairs.map((pair) => {
      const { validFrom, validTo, sourceValidFrom, sourceUpdatedAt, syncRunId, syncToken } = pair.after
      return {
        ...{ validFrom, validTo, sourceValidFrom, sourceUpdatedAt, syncRunId, syncToken },
        ...describeVersion(entity, pair, company),
        // As it was last held: on the day it ended, or today.
        record: showVersion(entity, pair.after, validTo === null ? today : company.dayOf(new Date(validTo))),
      }
    }),
    next: keys.length > taken.length ? (taken.at(-1)?.micros ?? null) : null,
  }
}

/**
 * What differs between any two versions of a record, each named by when it began; by default the first and the last.
 *
 * @throws LedgerError `not_found` of the company, the record or either version.
 */
export async function compareVersions<Of extends Entity>(
  database: Database,
  record: RecordName<Of>,
  between: Between,
): Promise<Comparison> {
  const { rows: _rows, before: _before, after: _after, ...words } = await layOut(database, record, between)
  return words
}

export interface Between {
  readonly from: string | null
  readonly to: string | null
}

export interface Comparison extends VersionWords {
  readonly from: string
  readonly to: string
}

/** The same with every value of both, differing or not. */
export async function layOut<Of extends Entity>(
  { knex }: Database,
  record: RecordName<Of>,
  { from, to }: Between,
): Promise<
  Comparison & {
    readonly rows: readonly SideBySide[]
    readonly before: HeldVersion<Of>
    readonly after: HeldVersion<Of>
  }
> {
  const { realmId, entity } = record
  const company = await readCompanyWords(knex, realmId)
  const before = await readVersion(knex, record, from ?? (await readEnd(knex, record, 'min')))
  const after = await readVersion(knex, record, to ?? (await readEnd(knex, record, 'max')))
  const words = describeVersion(entity, { before, after }, company)
  const day = company.dayOf(new Date(after.validFrom))
  return {
    ...{ from: before.validFrom, to: after.validFrom },
    ...words,
    ...(words.diff.length === 0 && { summary: 'Nothing differs' }),
    rows: sideBySide(entity, shownContent(entity, before, day), shownContent(entity, after, day)),
    before,
    after,
  }
}

async function readVersion<Of extends Entity>(
  knex: Knex,
  record: RecordName<Of>,
  validFrom: string,
): Promise<HeldVersion<Of>> {
  const [pair] = await readPairs(knex, record.entity, [{ ...record, validFrom }])
  if (pair) return pair.after
  throw new LedgerError(
    'not_found',
    `company ${record.realmId} has no version of ${record.entity} ${record.qboId} that began at ${validFrom}`,
  )
}

/** When the first or the last version of a record began. */
async function readEnd(knex: Knex, record: RecordName, end: 'min' | 'max'): Promise<string> {
  const { realmId, entity, qboId } = record
  const [row] = await rowsOf<{ validFrom: string | null }>(
    knex,
    `SELECT CAST(${end}(w.valid_from) AS text) AS "validFrom"
       FROM ${MIRRORED_TABLES[entity].table}_versions w
      WHERE w.realm_id = :realmId AND w.qbo_id = :qboId`,
    { realmId, qboId },
  )
  if (!row?.validFrom) throw unknownRecord(record)
  return row.validFrom
}

function unknownRecord({ realmId, entity, qboId }: RecordName): LedgerError {
  return new LedgerError('not_found', `company ${realmId} has no ${entity} ${qboId}`)
}
