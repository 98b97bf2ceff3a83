import { z } from 'zod'
import { LISTS } from '../../books/lists.ts'
import { readList } from '../../books/read-list.ts'
import type { ShownRecord } from '../../books/shown-record.ts'
import type { Entity } from '../../domain/entity.ts'
import { realmId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { addSheet, MOST_ROWS } from '../csv.ts'
import { companyPath } from '../entities.ts'
import type { ConsoleOptions } from '../options.ts'
import type { Pages } from '../pages.ts'
import { listForm } from './list-form.ts'

const PARAMS = z.strictObject({ realmId })
const ROWS_A_READ = 1000

/** The list that the page shows, as a file: the same filters, order and moment, but all of its pages. */
export function addListSheet(pages: Pages, options: ConsoleOptions, entity: Entity): void {
  const schema = listForm(entity)
  addSheet(pages, companyPath(':realmId', LISTS[entity]), async (request) => {
    const { realmId } = readParams(request, PARAMS)
    const {
      limit: _l,
      cursor: _c,
      sort,
      expand: _e,
      asOf,
      sourceAsOf,
      ...filters
    } = readForm(request, schema)
    const records: ShownRecord[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof readList>> = await readList(options, {
        ...{ realmId, entity, filters, cursor, order: sort, moment: { asOf, sourceAsOf } },
        limit: ROWS_A_READ,
        withLines: false,
      })
      records.push(...page.data)
      cursor = page.nextCursor
    } while (cursor !== null && records.length < MOST_ROWS)
    return {
      name: `${LISTS[entity]} of ${realmId}`,
      columns: COLUMNS[entity],
      rows: records.map((record) => COLUMNS[entity].map((column) => cellOf(record, column))),
      cutNote: cursor === null ? null : `Only the first ${MOST_ROWS} rows: narrow the list for the rest`,
    }
  })
}

const DOCUMENT = [
  'txnDate',
  'dueDate',
  'status',
  'currency',
  'exchangeRate',
  'totalAmount',
  'balance',
  'homeBalance',
]
const KEPT = ['validFrom', 'lastSyncedAt', 'rejectedSince', 'deletedAt']

// By the names of the API, so that whoever works on with the file knows what is meant.
const COLUMNS: Readonly<Record<Entity, readonly string[]>> = {
  bill: ['qboId', 'docNumber', 'vendor.id', 'vendor.name', ...DOCUMENT, ...KEPT],
  invoice: ['qboId', 'docNumber', 'customer.id', 'customer.name', ...DOCUMENT, 'emailStatus', ...KEPT],
  balance: [
    'qboId',
    'accountName',
    'fullyQualifiedName',
    'accountType',
    'accountSubType',
    'classification',
    'currency',
    'currentBalance',
    'currentBalanceWithSubAccounts',
    'active',
    ...KEPT,
  ],
  vendor: ['qboId', 'displayName', 'companyName', 'currency', 'active', ...KEPT],
  customer: ['qboId', 'displayName', 'fullyQualifiedName', 'currency', 'active', ...KEPT],
}

function cellOf(record: object, column: string): string | boolean | null {
  const value = column
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | null)?.[name] ?? null, record)
  if (value instanceof Date) return value.toISOString()
  return value as string | boolean | null
}
