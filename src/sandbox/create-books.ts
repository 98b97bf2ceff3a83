import { createBill, deleteBill, editBill, enterBillAgain } from './bills.ts'
import { createAccount } from './chart.ts'
import type { CompanyState } from './company-state.ts'
import type { Draft } from './draft.ts'
import type { Editor } from './editor.ts'
import { createInvoice, deleteInvoice, editInvoice, enterInvoiceAgain, voidInvoice } from './invoices.ts'
import { parseKeepingNumbers } from './json.ts'
import { merge } from './merge.ts'
import { falseTombstone, putText, silentChange } from './mishaps.ts'
import { amountText } from './money.ts'
import { createCustomer, createVendor, rename, setActive } from './parties.ts'
import { deletePayment, deposit, payBill, receivePayment, unapply } from './payments.ts'
import { randomStep } from './step.ts'
import type { Bill, EntityName, Invoice, TransactionName } from './wire.ts'
import type { Books, QboObject } from './books.ts'

const DELETE: Record<TransactionName, (draft: Draft, id: string) => void> = {
  Bill: deleteBill,
  Invoice: deleteInvoice,
  Payment: (draft, id) => deletePayment(draft, 'Payment', id),
  BillPayment: (draft, id) => deletePayment(draft, 'BillPayment', id),
}

export function createBooks(state: CompanyState, editor: Editor, now: () => number, seed: number): Books {
  const record = (type: EntityName, id: string) => {
    const entry = state.shelves[type].get(id)
    return entry ? (JSON.parse(entry.text) as QboObject) : null
  }
  const act = (type: EntityName, work: (draft: Draft) => { Id: string }) => {
    const { Id } = editor.change(now(), work)
    return record(type, Id) as QboObject
  }
  const run = (work: (draft: Draft) => void) => editor.change(now(), work)
  const paymentType = (id: string) => (state.shelves.Payment.get(id) ? 'Payment' : 'BillPayment')

  const books: Books = {
    createVendor: (input) => act('Vendor', (draft) => createVendor(draft, input)),
    createCustomer: (input) => act('Customer', (draft) => createCustomer(draft, input)),
    createAccount: (input) => act('Account', (draft) => createAccount(draft, input)),
    renameVendor: (id, name) => act('Vendor', (draft) => rename(draft, 'Vendor', id, name)),
    renameCustomer: (id, name) => act('Customer', (draft) => rename(draft, 'Customer', id, name)),
    inactivate: (type, id) => act(type, (draft) => setActive(draft, type, id, false)),
    reactivate: (type, id) => act(type, (draft) => setActive(draft, type, id, true)),
    merge: (type, survivorId, loserId, options = {}) =>
      run((draft) => merge(draft, type, survivorId, loserId, options)),
    createBill: (input) => act('Bill', (draft) => createBill(draft, input)),
    editBill: (id, patch) => act('Bill', (draft) => editBill(draft, id, patch)),
    createInvoice: (input) => act('Invoice', (draft) => createInvoice(draft, input)),
    editInvoice: (id, patch) => act('Invoice', (draft) => editInvoice(draft, id, patch)),
    voidInvoice: (id) => act('Invoice', (draft) => voidInvoice(draft, id)),
    payBill: (id, paid, accountId) => act('BillPayment', (draft) => payBill(draft, id, paid, accountId)),
    receivePayment: (id, received) => act('Payment', (draft) => receivePayment(draft, id, received)),
    unapply: (id) => act(paymentType(id), (draft) => unapply(draft, paymentType(id), id)),
    deposit: (id, accountId) => act('Payment', (draft) => deposit(draft, id, accountId)),
    backdate: (type, id, txnDate) => act(type, (draft) => backdate(draft, type, id, txnDate)),
    deleteTxn: (type, id) => run((draft) => deleteTxn(draft, type, id)),
    restoreAs: (type, deletedId) => act(type, (draft) => restoreAs(draft, type, deletedId)),
    touch: (type, id) => act(type, (draft) => draft.edit(type, id)),
    silentChange: (type, id, patch) => {
      run((draft) => silentChange(draft, type, id, patch))
      return record(type, id) as QboObject
    },
    put: (type, object) => run((draft) => putText(draft, type, JSON.stringify(object))),
    putText: (type, text) => run((draft) => putText(draft, type, text)),
    vanish: (type, id) => run((draft) => vanish(draft, type, id)),
    falseTombstone: (type, id) => run((draft) => falseTombstone(draft, type, id)),
    records: (type) => state.shelves[type].byId.items.map(({ text }) => JSON.parse(text) as QboObject),
    recordsText: (type) => state.shelves[type].byId.items.map(({ text }) => text),
    record,
    trialBalance: () => trialBalance(state),
    step: () => randomStep(state, books, seed),
  }
  return books
}

function backdate(draft: Draft, type: 'Bill' | 'Invoice', id: string, txnDate: string): Bill | Invoice {
  return type === 'Bill' ? editBill(draft, id, { txnDate }) : editInvoice(draft, id, { txnDate })
}

function deleteTxn(draft: Draft, type: TransactionName, id: string): void {
  DELETE[type](draft, id)
  draft.remove(type, id)
}

function vanish(draft: Draft, type: EntityName, id: string): void {
  if (type in DELETE) DELETE[type as TransactionName](draft, id)
  draft.remove(type, id, true)
}

function restoreAs(draft: Draft, type: 'Bill' | 'Invoice', deletedId: string): Bill | Invoice {
  const lastText = draft.state.shelves[type].tombstones.get(deletedId)?.lastText
  if (!lastText) throw new Error(`no ${type} ${deletedId} was deleted here`)
  const former: unknown = parseKeepingNumbers(lastText)
  return type === 'Bill' ? enterBillAgain(draft, former as Bill) : enterInvoiceAgain(draft, former as Invoice)
}

function trialBalance({
  ledger,
  chart,
}: CompanyState): { accountId: string; name: string; amount: string }[] {
  return [...ledger.accountIds()].map((accountId) => ({
    accountId,
    name: chart.get(accountId)?.name ?? accountId,
    amount: amountText(ledger.totals(accountId).home),
  }))
}
