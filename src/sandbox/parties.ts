import { currencyRef } from './currencies.ts'
import type { Draft } from './draft.ts'
import { visitObjects } from './json.ts'
import { amount, minorOfToken } from './money.ts'
import type { Account, Customer, ListName, Ref, StoredName, Vendor } from './wire.ts'

export interface NewVendor {
  name: string
  /** The company's home currency when left out. */
  currency?: string
  accountNumber?: string
}

export interface NewCustomer {
  name: string
  currency?: string
  /** Makes it a sub-customer (a job) of that one. */
  parentId?: string
}

const INACTIVE_MARK = ' (deleted)'

export function createVendor(draft: Draft, input: NewVendor): Vendor {
  return draft.create('Vendor', (header) => ({
    ...header,
    DisplayName: input.name,
    CompanyName: input.name,
    PrintOnCheckName: input.name,
    Active: true,
    Balance: amount(0),
    Vendor1099: false,
    ...(input.accountNumber === undefined ? {} : { AcctNum: input.accountNumber }),
    CurrencyRef: currencyRef(input.currency ?? draft.state.spec.homeCurrency),
  }))
}

export function createCustomer(draft: Draft, input: NewCustomer): Customer {
  const parent = input.parentId === undefined ? null : draft.read('Customer', input.parentId)
  return draft.create('Customer', (header) => ({
    ...header,
    DisplayName: input.name,
    FullyQualifiedName: parent ? `${parent.FullyQualifiedName}:${input.name}` : input.name,
    Active: true,
    Taxable: false,
    Job: parent !== null,
    BillWithParent: false,
    ...(parent
      ? {
          ParentRef: { value: parent.Id, name: parent.DisplayName },
          Level: parent.FullyQualifiedName.split(':').length,
        }
      : {}),
    Balance: amount(0),
    BalanceWithJobs: amount(0),
    CurrencyRef: currencyRef(input.currency ?? draft.state.spec.homeCurrency),
    PreferredDeliveryMethod: 'Email',
  }))
}

/** Moves what we owe a vendor, or what a customer owes with all customers above it. Their SyncToken stays. */
export function moveBalance(draft: Draft, type: 'Vendor' | 'Customer', id: string, minor: number): void {
  if (minor === 0) return
  const party = draft.move(type, id)
  party.Balance = amount(minorOfToken(party.Balance) + minor)
  if (type === 'Vendor') return
  for (let customer: Customer | null = party as Customer; customer;) {
    customer.BalanceWithJobs = amount(minorOfToken(customer.BalanceWithJobs) + minor)
    customer = customer.ParentRef ? draft.move('Customer', customer.ParentRef.value) : null
  }
}

/** The name in the references of other records follows without any sign of a change on those. */
export function rename(
  draft: Draft,
  type: 'Vendor' | 'Customer',
  id: string,
  name: string,
): Vendor | Customer {
  const party = draft.edit(type, id)
  party.DisplayName = name
  if (type === 'Vendor') (party as Vendor).CompanyName = name
  else rewritePath(party as Customer, name)
  renameReferences(draft, type, id, party.DisplayName)
  return party
}

export function setActive(
  draft: Draft,
  type: ListName,
  id: string,
  active: boolean,
): Account | Vendor | Customer {
  const record = draft.edit(type, id)
  const marked = (name: string) => (active ? name.replace(/ \(deleted\)$/, '') : `${name}${INACTIVE_MARK}`)
  if (record.Active === active) return record
  record.Active = active
  const names = record as unknown as Record<string, string>
  for (const key of ['DisplayName', 'FullyQualifiedName', 'Name']) {
    if (typeof names[key] === 'string') names[key] = marked(names[key])
  }
  return record
}

/** Which references name a record of a list, by their key. */
const REFERENCE_KEYS: Record<ListName, { key: RegExp; holders: readonly StoredName[] }> = {
  Vendor: { key: /^VendorRef$/, holders: ['Bill', 'BillPayment'] },
  Customer: { key: /^CustomerRef$/, holders: ['Invoice', 'Payment'] },
  Account: { key: /AccountRef$/, holders: ['Bill', 'BillPayment', 'Payment'] },
}

/** Transactions with a reference to that record, looked for in their text. */
export function holdersOf(draft: Draft, type: ListName, id: string): { type: StoredName; id: string }[] {
  return REFERENCE_KEYS[type].holders.flatMap((holder) =>
    draft.state.shelves[holder].byId.items
      .filter(({ text }) => text.includes(`Ref":{"value":"${id}"`))
      .map((entry) => ({ type: holder, id: entry.id })),
  )
}

/** Calls `visit` with each reference inside `record` that names that record of a list. */
export function visitReferences(
  record: unknown,
  type: ListName,
  id: string,
  visit: (ref: Ref) => void,
): void {
  visitObjects(record, (key, object) => {
    if (REFERENCE_KEYS[type].key.test(key) && object.value === id) visit(object as unknown as Ref)
  })
}

function renameReferences(draft: Draft, type: ListName, id: string, name: string): void {
  for (const holder of holdersOf(draft, type, id)) {
    visitReferences(draft.read(holder.type, holder.id), type, id, (ref) => {
      draft.silently(holder.type, holder.id)
      ref.name = name
    })
  }
}

function rewritePath(customer: Customer, name: string): void {
  const above = customer.FullyQualifiedName.split(':').slice(0, -1)
  customer.FullyQualifiedName = [...above, name].join(':')
}
