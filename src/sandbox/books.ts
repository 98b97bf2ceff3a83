import type { NewBill } from './bills.ts'
import type { NewAccount } from './chart.ts'
import type { NewInvoice } from './invoices.ts'
import type { JsonObject } from './json.ts'
import type { MergeOptions } from './merge.ts'
import type { NewCustomer, NewVendor } from './parties.ts'
import type { EntityName, ListName, TransactionName } from './wire.ts'

/** What a step did, for a log. */
export interface Step {
  action: string
  type: EntityName | null
  id: string | null
}

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
