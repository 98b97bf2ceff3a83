import { exchangeRateField, openMinor, rateFor, rateOfRecord, setBalance } from './amounts.ts'
import { accountFor, controlAccount } from './chart.ts'
import { currencyRef } from './currencies.ts'
import type { Draft } from './draft.ts'
import { releaseDocument } from './links.ts'
import { amount, convert, minorOf, minorOfToken } from './money.ts'
import { addDays, pacificDate } from './pacific-time.ts'
import { moveBalance } from './parties.ts'
import type { Invoice, SalesLine, SubTotalLine } from './wire.ts'

export interface NewInvoiceLine {
  /** Decimal text, as are all amounts here. */
  amount: string
  description?: string
}

export interface NewInvoice {
  customerId: string
  /** One line of that amount, when `lines` is left out. */
  amount?: string
  lines?: NewInvoiceLine[]
  /** Sales tax on top of the lines. */
  tax?: string
  docNumber?: string
  txnDate?: string
  dueDate?: string
  currency?: string
  exchangeRate?: string
  email?: string
  emailStatus?: Invoice['EmailStatus']
  privateNote?: string
}

const NET_30_DAYS = 30
const NET_30 = { value: '3' }
const ITEM = { value: '5', name: 'Consulting' }
const FIRST_DOC_NUMBER = 1000

export function createInvoice(draft: Draft, input: NewInvoice): Invoice {
  const { spec } = draft.state
  const customer = draft.read('Customer', input.customerId)
  const currency = input.currency ?? customer.CurrencyRef.value
  const rate = rateFor(spec, currency, input.exchangeRate)
  const lines = linesOf(input)
  const total = totalOf(lines) + minorOf(input.tax ?? '0')
  const txnDate = input.txnDate ?? pacificDate(draft.nowMs)
  const docNumber = input.docNumber ?? String(FIRST_DOC_NUMBER + draft.count('Invoice.DocNumber'))
  const invoice = draft.create('Invoice', (header) => ({
    ...header,
    MetaData: { ...header.MetaData, LastModifiedByRef: { value: '9130000000000001' } },
    CustomField: [],
    DocNumber: docNumber,
    TxnDate: txnDate,
    DueDate: input.dueDate ?? addDays(txnDate, NET_30_DAYS),
    SalesTermRef: NET_30,
    CurrencyRef: currencyRef(currency),
    ...exchangeRateField(spec, rate),
    LinkedTxn: [],
    Line: lines,
    TxnTaxDetail: { TotalTax: amount(minorOf(input.tax ?? '0')) },
    CustomerRef: { value: customer.Id, name: customer.DisplayName },
    ...(input.email === undefined ? {} : { BillEmail: { Address: input.email } }),
    TotalAmt: amount(total),
    ApplyTaxAfterDiscount: false,
    PrintStatus: 'NotSet',
    EmailStatus: input.emailStatus ?? 'NotSet',
    Balance: amount(total),
    ...(input.privateNote === undefined ? {} : { PrivateNote: input.privateNote }),
  }))
  settle(draft, invoice, total)
  moveBalance(draft, 'Customer', customer.Id, total)
  return invoice
}

/** Throws when the new total is less than what has been paid, or when a paid invoice would change its customer. */
export function editInvoice(draft: Draft, id: string, patch: Partial<NewInvoice>): Invoice {
  const invoice = draft.edit('Invoice', id)
  const before = minorOfToken(invoice.TotalAmt)
  const paid = before - openMinor(invoice)
  if (patch.amount !== undefined || patch.lines !== undefined) invoice.Line = linesOf(patch)
  if (patch.tax !== undefined) invoice.TxnTaxDetail = { TotalTax: amount(minorOf(patch.tax)) }
  const total = totalOf(invoice.Line) + minorOfToken(invoice.TxnTaxDetail.TotalTax)
  invoice.TotalAmt = amount(total)
  setPlainFields(invoice, patch)
  settle(draft, invoice, total - paid)
  if (patch.customerId === undefined || patch.customerId === invoice.CustomerRef.value) {
    moveBalance(draft, 'Customer', invoice.CustomerRef.value, total - before)
    return invoice
  }
  if (paid !== 0) throw new Error(`Invoice ${id} is paid and cannot change its customer`)
  const customer = draft.read('Customer', patch.customerId)
  moveBalance(draft, 'Customer', invoice.CustomerRef.value, -before)
  moveBalance(draft, 'Customer', customer.Id, total)
  invoice.CustomerRef = { value: customer.Id, name: customer.DisplayName }
  return invoice
}

/** All amounts become 0, the note begins with "Voided", payments are taken off; no field says that it is void. */
export function voidInvoice(draft: Draft, id: string): Invoice {
  const invoice = draft.edit('Invoice', id)
  const before = minorOfToken(invoice.TotalAmt)
  releaseDocument(draft, 'Invoice', invoice)
  invoice.Line = invoice.Line.map(zeroed)
  invoice.TxnTaxDetail = { TotalTax: amount(0) }
  invoice.TotalAmt = amount(0)
  invoice.PrivateNote = invoice.PrivateNote === undefined ? 'Voided' : `Voided - ${invoice.PrivateNote}`
  settle(draft, invoice, 0)
  moveBalance(draft, 'Customer', invoice.CustomerRef.value, -before)
  return invoice
}

/** Payments of the invoice stay, unapplied. */
export function deleteInvoice(draft: Draft, id: string): void {
  const invoice = draft.read('Invoice', id)
  releaseDocument(draft, 'Invoice', invoice)
  moveBalance(draft, 'Customer', invoice.CustomerRef.value, -minorOfToken(invoice.TotalAmt))
}

/** The same invoice entered anew, unpaid and under a new Id, as people do who deleted one by mistake. */
export function enterInvoiceAgain(draft: Draft, former: Invoice): Invoice {
  const invoice = draft.create('Invoice', (header) => ({ ...former, ...header, LinkedTxn: [] }))
  const total = minorOfToken(invoice.TotalAmt)
  settle(draft, invoice, total)
  moveBalance(draft, 'Customer', invoice.CustomerRef.value, total)
  return invoice
}

/** Sets what is open and what the invoice moves in the accounts. */
function settle(draft: Draft, invoice: Invoice, open: number): void {
  const rate = rateOfRecord(invoice)
  const total = minorOfToken(invoice.TotalAmt)
  setBalance(invoice, open)
  if (invoice.ExchangeRate) invoice.HomeTotalAmt = amount(convert(total, rate))
  const tax = minorOfToken(invoice.TxnTaxDetail.TotalTax)
  const home = convert(total, rate)
  const homeTax = convert(tax, rate)
  const { id: incomeId } = accountFor(draft.state, 'income')
  const receivable = controlAccount(draft, 'receivable', invoice.CurrencyRef.value)
  const income = { accountId: incomeId, home: homeTax - home, own: homeTax - home }
  const taxes =
    tax === 0 ? [] : [{ accountId: accountFor(draft.state, 'tax').id, home: -homeTax, own: -homeTax }]
  draft.post('Invoice', invoice.Id, [{ accountId: receivable.id, home, own: total }, income, ...taxes])
}

function linesOf(input: Partial<NewInvoice>): Invoice['Line'] {
  const given = input.lines ?? [{ amount: input.amount ?? '0' }]
  const sales = given.map((line, index): SalesLine => ({
    Id: String(index + 1),
    LineNum: index + 1,
    ...(line.description === undefined ? {} : { Description: line.description }),
    Amount: amount(minorOf(line.amount)),
    DetailType: 'SalesItemLineDetail',
    SalesItemLineDetail: {
      ItemRef: ITEM,
      UnitPrice: amount(minorOf(line.amount)),
      Qty: 1,
      TaxCodeRef: { value: input.tax === undefined ? 'NON' : 'TAX' },
    },
  }))
  const subtotal: SubTotalLine = {
    Amount: amount(totalOf(sales)),
    DetailType: 'SubTotalLineDetail',
    SubTotalLineDetail: {},
  }
  return [...sales, subtotal]
}

function totalOf(lines: Invoice['Line']): number {
  const sales = lines.filter((line) => line.DetailType === 'SalesItemLineDetail')
  return sales.reduce((sum, line) => sum + minorOfToken(line.Amount), 0)
}

function zeroed(line: SalesLine | SubTotalLine): SalesLine | SubTotalLine {
  if (line.DetailType === 'SubTotalLineDetail') return { ...line, Amount: amount(0) }
  const detail = { ...line.SalesItemLineDetail, UnitPrice: amount(0), Qty: 0 }
  return { ...line, Amount: amount(0), SalesItemLineDetail: detail }
}

function setPlainFields(invoice: Invoice, patch: Partial<NewInvoice>): void {
  if (patch.docNumber !== undefined) invoice.DocNumber = patch.docNumber
  if (patch.txnDate !== undefined) invoice.TxnDate = patch.txnDate
  if (patch.dueDate !== undefined) invoice.DueDate = patch.dueDate
  if (patch.emailStatus !== undefined) invoice.EmailStatus = patch.emailStatus
  if (patch.privateNote !== undefined) invoice.PrivateNote = patch.privateNote
}
