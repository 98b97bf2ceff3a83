import { createBill, deleteBill, editBill, enterBillAgain } from './bills.ts'
import type { NewBill } from './bills.ts'
import { createAccount } from './chart.ts'
import type { NewAccount } from './chart.ts'
import type { CompanyState } from './company-state.ts'
import type { Draft } from './draft.ts'
import type { Editor } from './editor.ts'
import { createInvoice, deleteInvoice, editInvoice, enterInvoiceAgain, voidInvoice } from './invoices.ts'
import type { NewInvoice } from './invoices.ts'
import { parseKeepingNumbers } from './json.ts'
import type { JsonObject } from './json.ts'
import { merge } from './merge.ts'
import type { MergeOptions } from './merge.ts'
import { falseTombstone, putText, silentChange } from './mishaps.ts'
import { amountText } from './money.ts'
import { createCustomer, createVendor, rename, setActive } from './parties.ts'
import type { NewCustomer, NewVendor } from './parties.ts'
import { deletePayment, deposit, payBill, receivePayment, unapply } from './payments.ts'
import { randomStep } from './step.ts'
import type { Step } from './step.ts'
import type { Bill, EntityName, Invoice, ListName, TransactionName } from './wire.ts'

/** A record as a reader of the API gets it: plain JSON, numbers as JavaScript numbers. */
export interface QboObject {
  Id: string
  SyncToken: string
  MetaData: { CreateTime: string; LastUpdatedTime: string }
  [key: string]: unknown
}

/** The business of one company. Amounts go in as decimal text; every call throws an Error that says what is wrong. */
export interface Books {
  createVendor(input: NewVendor): QboObject
  createCustomer(input: NewCustomer): QboObject
  createAccount(input: NewAccount): QboObject
  renameVendor(id: string, name: string): QboObject
  renameCustomer(id: string, name: string): QboObject
  inactivate(type: ListName, id: string): QboObject
  reactivate(type: ListName, id: string): QboObject
  /** The loser vanishes without a tombstone; its transactions name the survivor. */
  merge(type: ListName, survivorId: string, loserId: string, options?: MergeOptions): void
  createBill(input: NewBill): QboObject
  editBill(id: string, patch: Partial<NewBill>): QboObject
  createInvoice(input: NewInvoice): QboObject
  editInvoice(id: string, patch: Partial<NewInvoice>): QboObject
  voidInvoice(id: string): QboObject
  /** From the first bank account unless another, or a credit card, is named. */
  payBill(billId: string, amount: string, accountId?: string): QboObject
  receivePayment(invoiceId: string, amount: string): QboObject
  unapply(paymentId: string): QboObject
  /** Moves nothing that shows when the payment was last updated. */
  deposit(paymentId: string, accountId?: string): QboObject
  backdate(type: 'Bill' | 'Invoice', id: string, txnDate: string): QboObject
  deleteTxn(type: TransactionName, id: string): void
  /** Enters a deleted bill or invoice again: the same content under a new Id. */
  restoreAs(type: 'Bill' | 'Invoice', deletedId: string): QboObject
  /** LastUpdatedTime and SyncToken move, content does not. */
  touch(type: EntityName, id: string): QboObject
  silentChange(type: EntityName, id: string, patch: JsonObject): QboObject
  put(type: EntityName, object: JsonObject): void
  putText(type: EntityName, text: string): void
  /** Gone without a tombstone, with all that deleting does to others. */
  vanish(type: EntityName, id: string): void
  falseTombstone(type: EntityName, id: string): void
  /** Every live record, inactive ones included, in the order of their Ids, as a query would serve it. */
  records(type: EntityName): QboObject[]
  recordsText(type: EntityName): string[]
  record(type: EntityName, id: string): QboObject | null
  /** Home-currency totals, debits positive, of all accounts, income and expense included: they add up to zero. */
  trialBalance(): { accountId: string; name: string; amount: string }[]
  /** One random believable action. */
  step(): Step
}

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
