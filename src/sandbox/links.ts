import { openMinor, setBalance } from './amounts.ts'
import type { Draft } from './draft.ts'
import { amount, minorOfToken } from './money.ts'
import type { Bill, BillPayment, Invoice, Link, Payment } from './wire.ts'

export type Document = 'Bill' | 'Invoice'

/** Which transaction pays which, and how the paid one names its payment. */
const PAID_BY = {
  Bill: { payment: 'BillPayment', linkType: 'BillPaymentCheck' },
  Invoice: { payment: 'Payment', linkType: 'Payment' },
} as const

/** Lowers what is open, and links the payment; both are edits of the paid document (SyncToken and all). */
export function applyPayment(
  draft: Draft,
  type: Document,
  id: string,
  paymentId: string,
  minor: number,
): void {
  const document = draft.edit(type, id)
  setBalance(document, openMinor(document) - minor)
  document.LinkedTxn = [...(document.LinkedTxn ?? []), { TxnId: paymentId, TxnType: PAID_BY[type].linkType }]
}

/** Takes a payment back from all it pays, as deleting or unapplying it does. */
export function releasePayment(draft: Draft, payment: Payment | BillPayment): void {
  for (const line of payment.Line) {
    for (const { TxnId, TxnType } of line.LinkedTxn) {
      if (TxnType !== 'Bill' && TxnType !== 'Invoice') continue
      const document = draft.edit(TxnType, TxnId)
      setBalance(document, openMinor(document) + minorOfToken(line.Amount))
      setLinks(
        document,
        (document.LinkedTxn ?? []).filter((link) => link.TxnId !== payment.Id),
      )
    }
  }
}

/** Takes all payments from a document that is deleted or voided; they stay, unapplied. */
export function releaseDocument(draft: Draft, type: Document, document: Bill | Invoice): void {
  for (const { TxnId } of document.LinkedTxn ?? []) {
    const payment = draft.edit(PAID_BY[type].payment, TxnId)
    const pays = (line: { LinkedTxn: Link[] }) => line.LinkedTxn.some((link) => link.TxnId === document.Id)
    const freed = payment.Line.filter(pays).reduce((sum, line) => sum + minorOfToken(line.Amount), 0)
    payment.Line = payment.Line.filter((line) => !pays(line))
    if ('UnappliedAmt' in payment) payment.UnappliedAmt = amount(minorOfToken(payment.UnappliedAmt) + freed)
  }
  setLinks(document, [])
}

/** A bill without payments has no LinkedTxn at all; an invoice has an empty one. */
function setLinks(document: Bill | Invoice, links: Link[]): void {
  if (links.length === 0 && 'VendorRef' in document) delete document.LinkedTxn
  else document.LinkedTxn = links
}
