import type { AccountFacts, CompanyState } from './company-state.ts'
import { noteAccount } from './company-state.ts'
import { currencyRef } from './currencies.ts'
import type { Draft } from './draft.ts'
import { amount, minorOf } from './money.ts'
import type { Account, Ref } from './wire.ts'

/** What an account is created from. */
export interface NewAccount {
  name: string
  /** AccountType as QuickBooks spells it, such as `Bank` or `Other Current Asset`. */
  type: string
  subType?: string
  number?: string
  parentId?: string
  /** The company's home currency when left out. */
  currency?: string
  /** Decimal text in the account's currency, debits positive; booked against opening balance equity. */
  openingBalance?: string
}

const CLASSIFICATIONS: Record<string, Account['Classification']> = {
  Bank: 'Asset',
  'Accounts Receivable': 'Asset',
  'Other Current Asset': 'Asset',
  'Fixed Asset': 'Asset',
  'Other Asset': 'Asset',
  'Accounts Payable': 'Liability',
  'Credit Card': 'Liability',
  'Other Current Liability': 'Liability',
  'Long Term Liability': 'Liability',
  Equity: 'Equity',
  Income: 'Revenue',
  'Other Income': 'Revenue',
  Expense: 'Expense',
  'Other Expense': 'Expense',
  'Cost of Goods Sold': 'Expense',
}

/** Throws for an AccountType that QuickBooks does not have. */
export function createAccount(draft: Draft, input: NewAccount): Account {
  const { state } = draft
  const opening = minorOf(input.openingBalance ?? '0')
  const classification = CLASSIFICATIONS[input.type]
  if (!classification) throw new Error(`"${input.type}" is no AccountType`)
  const parent = input.parentId === undefined ? null : draft.read('Account', input.parentId)
  const account = draft.create('Account', (header) => ({
    ...header,
    Name: input.name,
    ...(input.number === undefined ? {} : { AcctNum: input.number }),
    SubAccount: parent !== null,
    ...(parent ? { ParentRef: { value: parent.Id } } : {}),
    FullyQualifiedName: parent ? `${parent.FullyQualifiedName}:${input.name}` : input.name,
    Active: true,
    Classification: classification,
    AccountType: input.type,
    AccountSubType: input.subType ?? input.type.replaceAll(' ', ''),
    CurrentBalance: amount(0),
    CurrentBalanceWithSubAccounts: amount(0),
    CurrencyRef: currencyRef(input.currency ?? state.spec.homeCurrency),
  }))
  noteAccount(state, account)
  if (opening !== 0) bookOpening(draft, account.Id, opening)
  return account
}

export type Role =
  'bank' | 'undeposited' | 'card' | 'payable' | 'receivable' | 'tax' | 'equity' | 'income' | 'expense'

const ROLES: Record<Role, (facts: AccountFacts) => boolean> = {
  bank: ({ type }) => type === 'Bank',
  undeposited: ({ subType }) => subType === 'UndepositedFunds',
  card: ({ type }) => type === 'Credit Card',
  payable: ({ type }) => type === 'Accounts Payable',
  receivable: ({ type }) => type === 'Accounts Receivable',
  tax: ({ subType }) => subType === 'GlobalTaxPayable',
  equity: ({ subType }) => subType === 'OpeningBalanceEquity',
  income: ({ type }) => type === 'Income',
  expense: ({ type }) => type === 'Expense' || type === 'Cost of Goods Sold',
}

/** Active accounts that serve as `role`, in the order in which they were made. */
export function accountsFor({ chart }: CompanyState, role: Role): AccountFacts[] {
  return [...chart.values()].filter((facts) => facts.active && ROLES[role](facts))
}

/** The first account of that role in the home currency. Throws when the company has none. */
export function accountFor(state: CompanyState, role: Role): AccountFacts {
  const found = accountsFor(state, role).find(({ currency }) => currency === state.spec.homeCurrency)
  if (!found) throw new Error(`${state.spec.name} has no account that serves as ${role}`)
  return found
}

/** Accounts payable or receivable of a currency; made on first need, as QuickBooks does. */
export function controlAccount(draft: Draft, role: 'payable' | 'receivable', currency: string): AccountFacts {
  const known = accountsFor(draft.state, role).find((facts) => facts.currency === currency)
  if (known) return known
  const [name, type] =
    role === 'payable'
      ? ['Accounts Payable (A/P)', 'Accounts Payable']
      : ['Accounts Receivable (A/R)', 'Accounts Receivable']
  const { Id } = createAccount(draft, { name: `${name} - ${currency}`, type, currency })
  return draft.state.chart.get(Id) as AccountFacts
}

export function refOf(facts: AccountFacts): Ref {
  return { value: facts.id, name: facts.name }
}

/** Throws when the company has no such account. */
export function accountById({ chart, spec }: CompanyState, id: string): AccountFacts {
  const facts = chart.get(id)
  if (!facts) throw new Error(`${spec.name} has no Account ${id}`)
  return facts
}

function bookOpening(draft: Draft, accountId: string, minor: number): void {
  const entry = draft.create('JournalEntry', (header) => header)
  const equity = accountFor(draft.state, 'equity')
  draft.post('JournalEntry', entry.Id, [
    { accountId, home: minor, own: minor },
    { accountId: equity.id, home: -minor, own: -minor },
  ])
}
