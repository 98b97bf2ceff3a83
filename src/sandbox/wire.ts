import type { NumberToken } from './json.ts'

/** The shapes of QuickBooks' records, as its entity reference and published captures show them. */

const TRANSACTIONS = ['Bill', 'Invoice', 'Payment', 'BillPayment'] as const
const LISTS = ['Account', 'Vendor', 'Customer'] as const
export const ENTITIES = [...TRANSACTIONS, ...LISTS] as const

export type TransactionName = (typeof TRANSACTIONS)[number]
export type ListName = (typeof LISTS)[number]
export type EntityName = (typeof ENTITIES)[number]

/** Records that move balances and that the API of this simulator never shows. */
type HiddenName = 'JournalEntry' | 'Deposit'
export const STORED = [...ENTITIES, 'JournalEntry', 'Deposit'] as const
export type StoredName = EntityName | HiddenName

export function isList(type: StoredName): type is ListName {
  return (LISTS as readonly string[]).includes(type)
}

export interface Ref {
  value: string
  name?: string
}

export interface Link {
  TxnId: string
  TxnType: string
}

export interface Header {
  domain: 'QBO'
  sparse: false
  Id: string
  SyncToken: string
  MetaData: { CreateTime: string; LastModifiedByRef?: Ref; LastUpdatedTime: string }
}

export interface BillLine {
  Id: string
  LineNum: number
  Description?: string
  Amount: NumberToken
  DetailType: 'AccountBasedExpenseLineDetail'
  AccountBasedExpenseLineDetail: { AccountRef: Ref; BillableStatus: string; TaxCodeRef: Ref }
}

export interface Bill extends Header {
  DocNumber?: string
  TxnDate: string
  DueDate: string
  SalesTermRef?: Ref
  CurrencyRef: Ref
  ExchangeRate?: NumberToken
  VendorRef: Ref
  APAccountRef: Ref
  Line: BillLine[]
  LinkedTxn?: Link[]
  TotalAmt: NumberToken
  Balance: NumberToken
  HomeBalance?: NumberToken
  PrivateNote?: string
}

export interface SalesLine {
  Id: string
  LineNum: number
  Description?: string
  Amount: NumberToken
  DetailType: 'SalesItemLineDetail'
  SalesItemLineDetail: { ItemRef: Ref; UnitPrice: NumberToken; Qty: number; TaxCodeRef: Ref }
}

export interface SubTotalLine {
  Amount: NumberToken
  DetailType: 'SubTotalLineDetail'
  SubTotalLineDetail: Record<string, never>
}

export interface Invoice extends Header {
  CustomField: never[]
  DocNumber: string
  TxnDate: string
  DueDate: string
  SalesTermRef?: Ref
  CurrencyRef: Ref
  ExchangeRate?: NumberToken
  LinkedTxn: Link[]
  Line: (SalesLine | SubTotalLine)[]
  TxnTaxDetail: { TotalTax: NumberToken }
  CustomerRef: Ref
  BillEmail?: { Address: string }
  TotalAmt: NumberToken
  HomeTotalAmt?: NumberToken
  ApplyTaxAfterDiscount: boolean
  PrintStatus: string
  EmailStatus: 'NotSet' | 'NeedToSend' | 'EmailSent'
  DeliveryInfo?: { DeliveryType: string; DeliveryTime: string }
  Balance: NumberToken
  HomeBalance?: NumberToken
  PrivateNote?: string
}

export interface PaymentLine {
  Amount: NumberToken
  LinkedTxn: Link[]
  LineEx?: { any: { name: string; value: { Name: string; Value: string }; nil: boolean }[] }
}

export interface Payment extends Header {
  TxnDate: string
  CustomerRef: Ref
  DepositToAccountRef: Ref
  PaymentRefNum?: string
  CurrencyRef: Ref
  ExchangeRate?: NumberToken
  TotalAmt: NumberToken
  UnappliedAmt: NumberToken
  ProcessPayment: boolean
  LinkedTxn: Link[]
  Line: PaymentLine[]
  PrivateNote?: string
}

export interface BillPayment extends Header {
  DocNumber?: string
  TxnDate: string
  VendorRef: Ref
  APAccountRef: Ref
  PayType: 'Check' | 'CreditCard'
  CheckPayment?: { BankAccountRef: Ref; PrintStatus: string }
  CreditCardPayment?: { CCAccountRef: Ref }
  CurrencyRef: Ref
  ExchangeRate?: NumberToken
  TotalAmt: NumberToken
  Line: PaymentLine[]
}

export interface Account extends Header {
  Name: string
  AcctNum?: string
  SubAccount: boolean
  ParentRef?: Ref
  FullyQualifiedName: string
  Active: boolean
  Classification: 'Asset' | 'Equity' | 'Expense' | 'Liability' | 'Revenue'
  AccountType: string
  AccountSubType: string
  CurrentBalance: NumberToken
  CurrentBalanceWithSubAccounts: NumberToken
  CurrencyRef: Ref
}

export interface Vendor extends Header {
  DisplayName: string
  CompanyName: string
  PrintOnCheckName: string
  Active: boolean
  Balance: NumberToken
  Vendor1099: boolean
  AcctNum?: string
  CurrencyRef: Ref
}

export interface Customer extends Header {
  DisplayName: string
  FullyQualifiedName: string
  Active: boolean
  Taxable: boolean
  Job: boolean
  BillWithParent: boolean
  ParentRef?: Ref
  Level?: number
  Balance: NumberToken
  BalanceWithJobs: NumberToken
  CurrencyRef: Ref
  PreferredDeliveryMethod: string
}

export interface Objects {
  Bill: Bill
  Invoice: Invoice
  Payment: Payment
  BillPayment: BillPayment
  Account: Account
  Vendor: Vendor
  Customer: Customer
  JournalEntry: Header
  Deposit: Header
}
