import { z } from 'zod'
import { cursorOf } from '../request/cursor.ts'
import { BILL_FILTERS, BILL_STATUS, INVOICE_FILTERS, INVOICE_STATUS } from './document-status.ts'
import { date, flag, INTUIT_ID_DIGITS, limit, oneOf, plainText } from '../request/fields.ts'
import type { RecordRow, RecordShape, ShownEntity } from './read-records.ts'
import { balanceJson, billJson, invoiceJson } from './record-json.ts'

/** One kind of record that the API shows. */
export interface Shown<Of extends ShownEntity> extends RecordShape {
  /** The last part of the list's address. */
  readonly list: string
  readonly entity: Of
  readonly query: z.ZodType<ListQuery>
  /** SQL for each word of `?status=`. */
  readonly filters: Readonly<Record<string, string>>
  readonly show: (row: RecordRow<Of>, confirmedAt: Date | null) => object
}

export interface ListQuery {
  readonly limit: number
  readonly cursor: string | null
  readonly includeDeleted: boolean
  readonly status?: string | undefined
  readonly dueBefore?: string | undefined
  readonly dueAfter?: string | undefined
  readonly counterparty?: string | undefined
}

export const BILLS: Shown<'bill'> = {
  list: 'bills',
  entity: 'bill',
  party: { table: 'vendors', id: 'vendor_id' },
  status: BILL_STATUS,
  hasLines: true,
  filters: BILL_FILTERS,
  query: documentsQuery('bills', BILL_FILTERS),
  show: billJson,
}

export const INVOICES: Shown<'invoice'> = {
  list: 'invoices',
  entity: 'invoice',
  party: { table: 'customers', id: 'customer_id' },
  status: INVOICE_STATUS,
  hasLines: true,
  filters: INVOICE_FILTERS,
  query: documentsQuery('invoices', INVOICE_FILTERS),
  show: invoiceJson,
}

export const BALANCES: Shown<'balance'> = {
  list: 'balances',
  entity: 'balance',
  party: null,
  status: 'NULL',
  hasLines: false,
  filters: {},
  query: z.strictObject(listFields('balances')),
  show: balanceJson,
}

function listFields(list: string) {
  return { limit, cursor: cursorOf(list, INTUIT_ID_DIGITS), includeDeleted: flag }
}

function documentsQuery(list: string, filters: Readonly<Record<string, string>>) {
  return z.strictObject({
    ...listFields(list),
    status: oneOf(Object.keys(filters)).optional(),
    dueBefore: date.optional(),
    dueAfter: date.optional(),
    counterparty: plainText(100).optional(),
  })
}
