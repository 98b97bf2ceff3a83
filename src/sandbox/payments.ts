import { exchangeRateField, rateOfRecord } from './amounts.ts'
import { accountById, accountFor, controlAccount, refOf } from './chart.ts'
import type { Draft } from './draft.ts'
import { applyPayment, releasePayment } from './links.ts'
import { amount, convert, minorOf, minorOfToken } from './money.ts'
import { pacificDate } from './pacific-time.ts'
import { moveBalance } from './parties.ts'
import type { BillPayment, Payment, PaymentLine } from './wire.ts'

const NAME_VALUE = '{http://schema.intuit.com/finance/v3}NameValue'

/** Pays part or all of a bill from a bank account or, when it is one, a credit card. */
export function payBill(draft: Draft, billId: string, paid: string, accountId?: string): BillPayment {
  const { state } = draft
  const bill = draft.read('Bill', billId)
  const minor = minorOf(paid)
  const source = accountId === undefined ? accountFor(state, 'bank') : accountById(state, accountId)
  const byCard = source.type === 'Credit Card'
  const checkNumber = String(draft.count('BillPayment.DocNumber'))
  const payment = draft.create('BillPayment', (header) => ({
    ...header,
    DocNumber: checkNumber,
    TxnDate: pacificDate(draft.nowMs),
    VendorRef: { ...bill.VendorRef },
    APAccountRef: { ...bill.APAccountRef },
    PayType: byCard ? 'CreditCard' : 'Check',
    ...(byCard
      ? { CreditCardPayment: { CCAccountRef: refOf(source) } }
      : { CheckPayment: { BankAccountRef: refOf(source), PrintStatus: 'NotSet' } }),
    CurrencyRef: { ...bill.CurrencyRef },
    ...exchangeRateField(state.spec, rateOfRecord(bill)),
    TotalAmt: amount(minor),
    Line: [{ Amount: amount(minor), LinkedTxn: [{ TxnId: billId, TxnType: 'Bill' }] }],
  }))
  const home = convert(minor, rateOfRecord(payment))
  draft.post('BillPayment', payment.Id, [
    { accountId: payment.APAccountRef.value, home, own: minor },
    { accountId: source.id, home: -home, own: -home },
  ])
  applyPayment(draft, 'Bill', billId, payment.Id, minor)
  moveBalance(draft, 'Vendor', bill.VendorRef.value, -minor)
  return payment
}

/** Takes a customer's money for part or all of an invoice into Undeposited Funds. */
export function receivePayment(draft: Draft, invoiceId: string, received: string): Payment {
  const { state } = draft
  const invoice = draft.read('Invoice', invoiceId)
  const minor = minorOf(received)
  const open = invoice.Balance
  const undeposited = accountFor(state, 'undeposited')
  const payment = draft.create('Payment', (header) => ({
    ...header,
    TxnDate: pacificDate(draft.nowMs),
    CustomerRef: { ...invoice.CustomerRef },
    DepositToAccountRef: { value: undeposited.id },
    PaymentRefNum: String(5000 + Number(header.Id)),
    CurrencyRef: { ...invoice.CurrencyRef },
    ...exchangeRateField(state.spec, rateOfRecord(invoice)),
    TotalAmt: amount(minor),
    UnappliedAmt: amount(0),
    ProcessPayment: false,
    LinkedTxn: [],
    Line: [lineFor(invoiceId, invoice.DocNumber, minor, open.rawJSON)],
  }))
  const home = convert(minor, rateOfRecord(payment))
  const receivable = controlAccount(draft, 'receivable', invoice.CurrencyRef.value)
  draft.post('Payment', payment.Id, [
    { accountId: receivable.id, home: -home, own: -minor },
    { accountId: undeposited.id, home, own: home },
  ])
  applyPayment(draft, 'Invoice', invoiceId, payment.Id, minor)
  moveBalance(draft, 'Customer', invoice.CustomerRef.value, -minor)
  return payment
}

/** The payment stays, and what it paid is open again. The money has moved all the same. */
export function unapply(draft: Draft, type: 'Payment' | 'BillPayment', id: string): Payment | BillPayment {
  const payment = draft.edit(type, id)
  releasePayment(draft, payment)
  payment.Line = []
  if ('UnappliedAmt' in payment) payment.UnappliedAmt = payment.TotalAmt
  return payment
}

/** Throws for a payment that is part of a deposit, as QuickBooks refuses it. */
export function deletePayment(draft: Draft, type: 'Payment' | 'BillPayment', id: string): void {
  const payment = draft.read(type, id)
  if (isDeposited(payment)) throw new Error(`Payment ${id} is part of a deposit`)
  releasePayment(draft, payment)
  const total = minorOfToken(payment.TotalAmt)
  if ('VendorRef' in payment) moveBalance(draft, 'Vendor', payment.VendorRef.value, total)
  else moveBalance(draft, 'Customer', payment.CustomerRef.value, total)
}

/** Moves the money to the bank. The payment shows it in LinkedTxn, and its LastUpdatedTime does not move. */
export function deposit(draft: Draft, paymentId: string, accountId?: string): Payment {
  const { state } = draft
  const payment = draft.silently('Payment', paymentId)
  if (isDeposited(payment)) throw new Error(`Payment ${paymentId} is part of a deposit`)
  const bank = accountId === undefined ? accountFor(state, 'bank') : accountById(state, accountId)
  const home = convert(minorOfToken(payment.TotalAmt), rateOfRecord(payment))
  const entry = draft.create('Deposit', (header) => header)
  draft.post('Deposit', entry.Id, [
    { accountId: bank.id, home, own: home },
    { accountId: payment.DepositToAccountRef.value, home: -home, own: -home },
  ])
  payment.LinkedTxn = [{ TxnId: entry.Id, TxnType: 'Deposit' }]
  return payment
}

function isDeposited(payment: Payment | BillPayment): boolean {
  return 'LinkedTxn' in payment && payment.LinkedTxn.length > 0
}

/** LineEx as it leaks out of Intuit's serialiser, names in braces and all. */
function lineFor(invoiceId: string, docNumber: string, minor: number, openBalance: string): PaymentLine {
  const pair = (Name: string, Value: string) => ({ name: NAME_VALUE, value: { Name, Value }, nil: false })
  return {
    Amount: amount(minor),
    LinkedTxn: [{ TxnId: invoiceId, TxnType: 'Invoice' }],
    LineEx: {
      any: [
        pair('txnId', invoiceId),
        pair('txnOpenBalance', openBalance),
        pair('txnReferenceNumber', docNumber),
      ],
    },
  }
}
