import { exchangeRateField, openMinor, rateFor, rateOfRecord, setBalance } from './amounts.ts'
import { accountById, accountFor, controlAccount, refOf } from './chart.ts'
import { currencyRef } from './currencies.ts'
import type { Draft } from './draft.ts'
import { releaseDocument } from './links.ts'
import { amount, convert, minorOf, minorOfToken } from './money.ts'
import { addDays, pacificDate } from './pacific-time.ts'
import { moveBalance } from './parties.ts'
import type { Bill, BillLine } from './wire.ts'

export interface NewBillLine {
  /** Decimal text, as are all amounts here. */
  amount: string
  /** The first expense account when left out. */
  accountId?: string
  description?: string
}

export interface NewBill {
  vendorId: string
  /** One line of that amount, when `lines` is left out. */
  amount?: string
  lines?: NewBillLine[]
  docNumber?: string
  /** YYYY-MM-DD; the servers' present day when left out. */
  txnDate?: string
  /** 30 days after TxnDate when left out. */
  dueDate?: string
  /** The vendor's when left out. */
  currency?: string
  exchangeRate?: string
  privateNote?: string
}

const NET_30_DAYS = 30
const NET_30 = { value: '3' }

export function createBill(draft: Draft, input: NewBill): Bill {
  const { spec } = draft.state
  const vendor = draft.read('Vendor', input.vendorId)
  const currency = input.currency ?? vendor.CurrencyRef.value
  const rate = rateFor(spec, currency, input.exchangeRate)
  const payable = controlAccount(draft, 'payable', currency)
  const lines = linesOf(draft, input)
  const total = totalOf(lines)
  const txnDate = input.txnDate ?? pacificDate(draft.nowMs)
  const bill = draft.create('Bill', (header) => ({
    ...header,
    ...(input.docNumber === undefined ? {} : { DocNumber: input.docNumber }),
    TxnDate: txnDate,
    DueDate: input.dueDate ?? addDays(txnDate, NET_30_DAYS),
    SalesTermRef: NET_30,
    CurrencyRef: currencyRef(currency),
    ...exchangeRateField(spec, rate),
    VendorRef: { value: vendor.Id, name: vendor.DisplayName },
    APAccountRef: refOf(payable),
    Line: lines,
    TotalAmt: amount(total),
    Balance: amount(total),
    ...(input.privateNote === undefined ? {} : { PrivateNote: input.privateNote }),
  }))
  setBalance(bill, total)
  book(draft, bill)
  moveBalance(draft, 'Vendor', vendor.Id, total)
  return bill
}

/** Throws when the new total is less than what has been paid, or when a paid bill would change its vendor. */
export function editBill(draft: Draft, id: string, patch: Partial<NewBill>): Bill {
  const bill = draft.edit('Bill', id)
  const before = minorOfToken(bill.TotalAmt)
  const paid = before - openMinor(bill)
  if (patch.amount !== undefined || patch.lines !== undefined) bill.Line = linesOf(draft, patch)
  const total = totalOf(bill.Line)
  bill.TotalAmt = amount(total)
  setBalance(bill, total - paid)
  setPlainFields(bill, patch)
  book(draft, bill)
  if (patch.vendorId === undefined || patch.vendorId === bill.VendorRef.value) {
    moveBalance(draft, 'Vendor', bill.VendorRef.value, total - before)
    return bill
  }
  if (paid !== 0) throw new Error(`Bill ${id} is paid and cannot change its vendor`)
  const vendor = draft.read('Vendor', patch.vendorId)
  moveBalance(draft, 'Vendor', bill.VendorRef.value, -before)
  moveBalance(draft, 'Vendor', vendor.Id, total)
  bill.VendorRef = { value: vendor.Id, name: vendor.DisplayName }
  return bill
}

/** Payments of the bill stay, unapplied. */
export function deleteBill(draft: Draft, id: string): void {
  const bill = draft.read('Bill', id)
  releaseDocument(draft, 'Bill', bill)
  moveBalance(draft, 'Vendor', bill.VendorRef.value, -minorOfToken(bill.TotalAmt))
}

/** The same bill entered anew, unpaid and under a new Id, as people do who deleted one by mistake. */
export function enterBillAgain(draft: Draft, former: Bill): Bill {
  const bill = draft.create('Bill', (header) => ({ ...former, ...header }))
  delete bill.LinkedTxn
  const total = minorOfToken(bill.TotalAmt)
  setBalance(bill, total)
  book(draft, bill)
  moveBalance(draft, 'Vendor', bill.VendorRef.value, total)
  return bill
}

function book(draft: Draft, bill: Bill): void {
  const rate = rateOfRecord(bill)
  const expenses = bill.Line.map((line) => {
    const home = convert(minorOfToken(line.Amount), rate)
    return { accountId: line.AccountBasedExpenseLineDetail.AccountRef.value, home, own: home }
  })
  const home = -expenses.reduce((sum, posting) => sum + posting.home, 0)
  const payable = { accountId: bill.APAccountRef.value, home, own: -minorOfToken(bill.TotalAmt) }
  draft.post('Bill', bill.Id, [payable, ...expenses])
}

function linesOf(draft: Draft, input: Partial<NewBill>): BillLine[] {
  const given = input.lines ?? [{ amount: input.amount ?? '0' }]
  return given.map((line, index) => {
    const { state } = draft
    const account =
      line.accountId === undefined ? accountFor(state, 'expense') : accountById(state, line.accountId)
    return {
      Id: String(index + 1),
      LineNum: index + 1,
      ...(line.description === undefined ? {} : { Description: line.description }),
      Amount: amount(minorOf(line.amount)),
      DetailType: 'AccountBasedExpenseLineDetail',
      AccountBasedExpenseLineDetail: {
        AccountRef: refOf(account),
        BillableStatus: 'NotBillable',
        TaxCodeRef: { value: 'NON' },
      },
    }
  })
}

function totalOf(lines: BillLine[]): number {
  return lines.reduce((sum, line) => sum + minorOfToken(line.Amount), 0)
}

function setPlainFields(bill: Bill, patch: Partial<NewBill>): void {
  if (patch.docNumber !== undefined) bill.DocNumber = patch.docNumber
  if (patch.txnDate !== undefined) bill.TxnDate = patch.txnDate
  if (patch.dueDate !== undefined) bill.DueDate = patch.dueDate
  if (patch.privateNote !== undefined) bill.PrivateNote = patch.privateNote
}
