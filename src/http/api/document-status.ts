/**
 * What a bill or an invoice comes to, as SQL over `d` and the company's date `:today`. The filters are written so
 * that Postgres sees the condition of the index on open documents; `open` takes the overdue ones in, while a document
 * itself is told by the more telling word.
 */
export const BILL_STATUS = `
  CASE WHEN d.balance = 0 THEN 'paid' WHEN d.due_date < :today THEN 'overdue' ELSE 'open' END`

export const INVOICE_STATUS = `
  CASE WHEN d.voided THEN 'voided'
       WHEN d.balance = 0 THEN 'paid'
       WHEN d.due_date < :today THEN 'overdue'
       ELSE 'open' END`

export const BILL_FILTERS = {
  open: 'd.balance <> 0',
  paid: 'd.balance = 0',
  overdue: 'd.balance <> 0 AND d.due_date < :today',
} as const

export const INVOICE_FILTERS = {
  open: 'd.balance <> 0 AND NOT d.voided',
  paid: 'd.balance = 0 AND NOT d.voided',
  overdue: 'd.balance <> 0 AND NOT d.voided AND d.due_date < :today',
  voided: 'd.voided',
} as const
