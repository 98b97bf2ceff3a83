/** Payloads as QuickBooks sends them, and versions of the mirror made of them by the service's own mappers. */
import type { Entity } from '../../../src/domain/entity.ts'
import { parseJson } from '../../../src/domain/parse-json.ts'
import type { CompanyWords, HeldVersion } from '../../../src/books/versions/held-version.ts'
import { describeVersion, type VersionWords } from '../../../src/books/versions/describe-version.ts'
import { mapRecord } from '../../../src/quickbooks/mappers.ts'
import { MAPPERS } from '../../../src/quickbooks/registry.ts'

export type Payload = Record<string, unknown>

const META = {
  CreateTime: '2026-11-20T10:01:09-08:00',
  LastUpdatedTime: '2026-11-22T07:12:40-08:00',
}

export const BILL: Payload = {
  domain: 'QBO',
  sparse: false,
  Id: '145',
  SyncToken: '1',
  MetaData: META,
  DocNumber: 'INV-7731',
  TxnDate: '2026-11-18',
  DueDate: '2026-12-18',
  SalesTermRef: { value: '3', name: 'Net 30' },
  CurrencyRef: { value: 'USD', name: 'United States Dollar' },
  VendorRef: { value: '31', name: 'Northwind Paper' },
  APAccountRef: { value: '33', name: 'Accounts Payable (A/P)' },
  Line: [
    accountLine(1, 800, '17', 'Office Supplies', 'Stationery'),
    accountLine(2, 400, '21', 'Rent', 'March rent'),
  ],
  TotalAmt: 1200,
  Balance: 1200,
  PrivateNote: 'as agreed',
}

export const INVOICE: Payload = {
  domain: 'QBO',
  sparse: false,
  Id: '310',
  SyncToken: '2',
  MetaData: META,
  CustomField: [],
  DocNumber: '1042',
  TxnDate: '2026-11-02',
  DueDate: '2026-12-02',
  CurrencyRef: { value: 'USD', name: 'United States Dollar' },
  LinkedTxn: [],
  Line: [
    {
      Id: '1',
      LineNum: 1,
      Description: 'Design hours',
      Amount: 250,
      DetailType: 'SalesItemLineDetail',
      SalesItemLineDetail: {
        ItemRef: { value: '5', name: 'Consulting' },
        UnitPrice: 125,
        Qty: 2,
        TaxCodeRef: { value: 'NON' },
      },
    },
    { Amount: 250, DetailType: 'SubTotalLineDetail', SubTotalLineDetail: {} },
  ],
  TxnTaxDetail: { TotalTax: 0 },
  CustomerRef: { value: '12', name: 'Acme Robotics' },
  BillEmail: { Address: 'ap@example.test' },
  TotalAmt: 250,
  ApplyTaxAfterDiscount: false,
  PrintStatus: 'NotSet',
  EmailStatus: 'NotSet',
  Balance: 250,
}

export const ACCOUNT: Payload = {
  domain: 'QBO',
  sparse: false,
  Id: '35',
  SyncToken: '0',
  MetaData: META,
  Name: 'Operating',
  AcctNum: '1010',
  FullyQualifiedName: 'Operating',
  Active: true,
  Classification: 'Asset',
  AccountType: 'Bank',
  AccountSubType: 'Checking',
  CurrentBalance: 10250.75,
  CurrentBalanceWithSubAccounts: 10250.75,
  CurrencyRef: { value: 'USD', name: 'United States Dollar' },
}

export const VENDOR: Payload = {
  domain: 'QBO',
  sparse: false,
  Id: '31',
  SyncToken: '0',
  MetaData: META,
  DisplayName: 'Northwind Paper',
  CompanyName: 'Northwind Paper',
  PrintOnCheckName: 'Northwind Paper',
  Active: true,
  Balance: 40,
  Vendor1099: false,
  CurrencyRef: { value: 'USD', name: 'United States Dollar' },
}

export const CUSTOMER: Payload = {
  domain: 'QBO',
  sparse: false,
  Id: '12',
  SyncToken: '0',
  MetaData: META,
  DisplayName: 'Acme Robotics',
  FullyQualifiedName: 'Acme Robotics',
  Active: true,
  Taxable: false,
  Job: false,
  BillWithParent: false,
  Balance: 150,
  BalanceWithJobs: 150,
  CurrencyRef: { value: 'USD', name: 'United States Dollar' },
  PreferredDeliveryMethod: 'Email',
}

export const PAYLOADS: { readonly [Of in Entity]: Payload } = {
  bill: BILL,
  invoice: INVOICE,
  balance: ACCOUNT,
  vendor: VENDOR,
  customer: CUSTOMER,
}

export function accountLine(
  number: number,
  amount: number,
  accountId: string,
  account: string | undefined,
  description: string,
): Payload {
  return {
    Id: String(number),
    LineNum: number,
    Description: description,
    Amount: amount,
    DetailType: 'AccountBasedExpenseLineDetail',
    AccountBasedExpenseLineDetail: {
      AccountRef: { value: accountId, ...(account === undefined ? {} : { name: account }) },
      BillableStatus: 'NotBillable',
      TaxCodeRef: { value: 'NON' },
    },
  }
}

export const COMPANY: CompanyWords = {
  homeCurrency: 'USD',
  dayOf: (moment) => moment.toISOString().slice(0, 10),
}

/** A version as the mirror would hold it. */
export function versionOf<Of extends Entity>(
  entity: Of,
  payload: Payload | string,
  more: Partial<HeldVersion<Of>> = {},
): HeldVersion<Of> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const mapped = mapRecord(entity, parseJson(text), { homeCurrency: 'USD' })
  if (!('content' in mapped)) throw mapped.reason
  return {
    realmId: '1',
    qboId: mapped.qboId,
    content: mapped.content as HeldVersion<Of>['content'],
    raw: parseJson(mapped.raw) as HeldVersion<Of>['raw'],
    syncToken: mapped.syncToken,
    syncRunId: 1,
    sourceCreatedAt: mapped.sourceCreatedAt,
    sourceUpdatedAt: mapped.sourceUpdatedAt,
    sourceValidFrom: mapped.sourceUpdatedAt,
    observedAt: new Date('2026-11-20T18:15:00Z'),
    lastSyncedAt: new Date('2026-11-20T18:15:00Z'),
    deletedAt: null,
    validFrom: '2026-11-22T15:15:00.000Z',
    validTo: null,
    ...more,
  }
}

/** What is said of a payload that took the place of another. */
export function describePayloads(
  entity: Entity,
  before: Payload,
  after: Payload,
  company: CompanyWords = COMPANY,
): VersionWords {
  return describeVersion(
    entity,
    { before: versionOf(entity, before), after: versionOf(entity, after) },
    company,
  )
}

/** A payload without some fields. */
export function without(payload: Payload, ...fields: string[]): Payload {
  return Object.fromEntries(Object.entries(payload).filter(([key]) => !fields.includes(key)))
}

/** The lines of a payload, one of them changed. */
export function withLine(payload: Payload, at: number, change: (line: Payload) => Payload): Payload {
  const lines = structuredClone(payload['Line']) as Payload[]
  return { ...payload, Line: lines.map((line, index) => (index === at ? change(line) : line)) }
}

/** Which top-level fields are known not to be content. */
export function noiseOf(entity: Entity): readonly string[] {
  return MAPPERS[entity].noise
}
