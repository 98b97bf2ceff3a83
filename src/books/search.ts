import type { Knex } from 'knex'
import { rowsOf, type Database } from '../db/database.ts'
import type { Entity } from '../domain/entity.ts'
import { normalDecimal } from '../domain/money.ts'
import { MIRRORED_TABLES } from '../models/mirrored-tables.ts'
import { rowsAt, type Moment } from './moment.ts'
import { PARTIES, partyJoin } from './record-row.ts'

export interface FoundCompany {
  readonly realmId: string
  readonly name: string | null
  readonly status: string
}

export interface FoundRecord {
  readonly realmId: string
  readonly companyName: string | null
  readonly entity: Entity
  readonly qboId: string
  /** Number of a document, name of anything else. */
  readonly label: string | null
  readonly counterparty: string | null
  readonly txnDate: string | null
  readonly currency: string | null
  readonly amount: string | null
  readonly isDeleted: boolean
}

export interface FoundRun {
  readonly id: number
  readonly realmId: string
  readonly companyName: string | null
  readonly startedAt: Date
  readonly status: string
  readonly code: string | null
}

export interface Found {
  readonly companies: readonly FoundCompany[]
  /** Vendors, customers and accounts whose name holds the text. */
  readonly named: readonly FoundRecord[]
  /** Bills and invoices of that number, that amount, or that Id. */
  readonly documents: readonly FoundRecord[]
  readonly runs: readonly FoundRun[]
}

/** Of each kind; a search is for finding one thing, not for lists. */
export const MOST_FOUND = 20

/**
 * What a text names, over all companies: a company or its realm id, a party or an account, a document by number, amount
 * or Id, a run by its id or Intuit's id of a call. Records are those of the moment.
 */
export async function search({ knex }: Database, text: string, moment: Moment): Promise<Found> {
  const wanted = text.trim()
  const [companies, named, documents, runs] = await Promise.all([
    findCompanies(knex, wanted),
    findNamed(knex, wanted, moment),
    findDocuments(knex, wanted, moment),
    findRuns(knex, wanted),
  ])
  return { companies, named, documents, runs }
}

function findCompanies(knex: Knex, text: string): Promise<FoundCompany[]> {
  return rowsOf<FoundCompany>(
    knex,
    `SELECT c.realm_id AS "realmId", c.name, c.status
       FROM companies c
      WHERE c.realm_id = :text OR strpos(lower(c.name), lower(:text)) > 0
         OR EXISTS (SELECT FROM unnest(c.tags) AS t (tag) WHERE lower(t.tag) = lower(:text))
      ORDER BY c.name, c.realm_id
      LIMIT :most`,
    { text, most: MOST_FOUND },
  )
}

// There are few of them beside the documents that name them: reading all takes milliseconds.
async function findNamed(knex: Knex, text: string, moment: Moment): Promise<FoundRecord[]> {
  const selects = NAMED.map(
    ({ entity, name, amount }) =>
      `(SELECT d.realm_id, '${entity}' AS entity, d.qbo_id, ${name} AS label, NULL AS counterparty,
               CAST(NULL AS date) AS txn_date, d.currency, ${amount} AS amount, d.deleted_at
          FROM ${rowsAt(entity, moment)} d
         WHERE strpos(lower(${name}), lower(:text)) > 0
         LIMIT :most)`,
  )
  return readFound(knex, selects, { text, ...moment })
}

const NAMED: readonly { readonly entity: Entity; readonly name: string; readonly amount: string }[] = [
  { entity: 'customer', name: 'd.display_name', amount: 'CAST(NULL AS numeric)' },
  { entity: 'vendor', name: 'd.display_name', amount: 'CAST(NULL AS numeric)' },
  { entity: 'balance', name: 'd.account_name', amount: 'd.current_balance' },
]

/** Found in the present by an index; then shown as of the moment. */
async function findDocuments(knex: Knex, text: string, moment: Moment): Promise<FoundRecord[]> {
  const amount = AMOUNT.test(text) ? normalDecimal(text.replaceAll(',', '')) : null
  const qboId = QBO_ID.test(text) ? text : null
  const selects = (['bill', 'invoice'] as const).flatMap((entity) => {
    const { table } = MIRRORED_TABLES[entity]
    const party = PARTIES[entity]!
    const ways = [
      'SELECT k.realm_id, k.qbo_id FROM :table k WHERE k.doc_number = :text LIMIT :most',
      ...(amount === null
        ? []
        : [
            'SELECT k.realm_id, k.qbo_id FROM :table k WHERE k.total_amount = CAST(:amount AS numeric) LIMIT :most',
          ]),
      ...(qboId === null
        ? []
        : [
            `SELECT k.realm_id, k.qbo_id
               FROM :table k
              WHERE k.realm_id = ANY (ARRAY(SELECT c.realm_id FROM companies c)) AND k.qbo_id = :text
              LIMIT :most`,
          ]),
    ]
    return `(SELECT d.realm_id, '${entity}' AS entity, d.qbo_id, d.doc_number AS label,
                    coalesce(p.display_name, d.${party.name}) AS counterparty, d.txn_date, d.currency,
                    d.total_amount AS amount, d.deleted_at
               FROM (${ways.map((way) => `(${way.replace(':table', table)})`).join(' UNION ')}) k
               JOIN LATERAL (SELECT *
                               FROM ${rowsAt(entity, moment)} r
                              WHERE r.realm_id = k.realm_id AND r.qbo_id = k.qbo_id) d ON true
               ${partyJoin(entity, moment, `d.${party.id}`, 'd.realm_id')}
              LIMIT :most)`
  })
  return readFound(knex, selects, { text, amount, ...moment })
}

const AMOUNT = /^-?\d{1,3}(?:,?\d{3})*(?:\.\d{1,4})?$/
const QBO_ID = /^\d{1,32}$/

function readFound(
  knex: Knex,
  selects: readonly string[],
  bindings: Readonly<Record<string, string | null>>,
): Promise<FoundRecord[]> {
  return rowsOf<FoundRecord>(
    knex,
    `SELECT f.realm_id AS "realmId", c.name AS "companyName", f.entity, f.qbo_id AS "qboId", f.label, f.counterparty,
            CAST(f.txn_date AS text) AS "txnDate", f.currency, CAST(f.amount AS text) AS amount,
            f.deleted_at IS NOT NULL AS "isDeleted"
       FROM (${selects.join(' UNION ALL ')}) f
       JOIN companies c ON c.realm_id = f.realm_id
      ORDER BY c.name, f.entity, f.txn_date DESC, f.label
      LIMIT :most`,
    { ...bindings, most: MOST_FOUND },
  )
}

async function findRuns(knex: Knex, text: string): Promise<FoundRun[]> {
  const id = RUN_ID.test(text) ? Number(text.replace(/^\D+/, '')) : null
  return rowsOf<FoundRun>(
    knex,
    `SELECT r.id, r.realm_id AS "realmId", c.name AS "companyName", r.started_at AS "startedAt", r.status,
            r.error_code AS code
       FROM sync_runs r
       JOIN companies c ON c.realm_id = r.realm_id
      WHERE r.id = :id OR r.intuit_tid = :text
      ORDER BY r.id DESC
      LIMIT :most`,
    { id, text, most: MOST_FOUND },
  )
}

const RUN_ID = /^(?:run )?\d{1,15}$/
