import { createAccount } from './chart.ts'
import type { NewAccount } from './chart.ts'
import type { Draft } from './draft.ts'

/** What no company can do without, in the order of their Ids. */
const NEEDED: NewAccount[] = [
  { name: 'Opening Balance Equity', type: 'Equity', subType: 'OpeningBalanceEquity' },
  { name: 'Checking', type: 'Bank', subType: 'Checking', number: '1010', openingBalance: '250000' },
  { name: 'Accounts Receivable (A/R)', type: 'Accounts Receivable' },
  { name: 'Undeposited Funds', type: 'Other Current Asset', subType: 'UndepositedFunds' },
  { name: 'Accounts Payable (A/P)', type: 'Accounts Payable' },
  { name: 'Sales Tax Payable', type: 'Other Current Liability', subType: 'GlobalTaxPayable' },
  { name: 'Services', type: 'Income', subType: 'ServiceFeeIncome', number: '4000' },
  {
    name: 'Office Supplies',
    type: 'Expense',
    subType: 'OfficeGeneralAdministrativeExpenses',
    number: '6000',
  },
]

/** What a company of some size has besides; `under` names the account above by its name. */
const USUAL: (NewAccount & { under?: string })[] = [
  { name: 'Visa Card', type: 'Credit Card', subType: 'CreditCard', openingBalance: '-1875.4' },
  { name: 'Savings', type: 'Bank', subType: 'Savings', number: '1020', openingBalance: '48000.55' },
  { name: 'Rent', type: 'Expense', subType: 'RentOrLeaseOfBuildings', number: '6100' },
  { name: 'Utilities', type: 'Expense', subType: 'Utilities', number: '6200' },
  { name: 'Reserves', type: 'Bank', subType: 'Savings', number: '1100', openingBalance: '10000' },
  { name: 'Payroll', type: 'Bank', subType: 'Checking', openingBalance: '15250.75', under: 'Reserves' },
  { name: 'Taxes', type: 'Bank', subType: 'Savings', openingBalance: '7300', under: 'Reserves' },
  { name: 'Equipment', type: 'Fixed Asset', subType: 'MachineryAndEquipment', openingBalance: '36500' },
  { name: 'Bank Loan', type: 'Long Term Liability', subType: 'NotesPayable', openingBalance: '-80000' },
  { name: 'Advertising', type: 'Expense', subType: 'AdvertisingPromotional', number: '6300' },
  { name: 'Travel', type: 'Expense', subType: 'Travel', number: '6400' },
  { name: 'Materials', type: 'Cost of Goods Sold', subType: 'SuppliesMaterialsCogs', number: '5000' },
  { name: 'Legal & Professional', type: 'Expense', subType: 'LegalProfessionalFees', number: '6500' },
  { name: 'Repairs', type: 'Expense', subType: 'RepairMaintenance', number: '6600' },
  { name: 'Insurance', type: 'Expense', subType: 'Insurance', number: '6700' },
]

/** What a firm with staff has besides. */
const WAGES: NewAccount = { name: 'Wages', type: 'Expense', subType: 'PayrollExpenses', number: '6800' }

/** A company with fewer records than that keeps to the accounts it cannot do without. */
const USUAL_FROM_RECORDS = 40

/** Returns how many accounts there are. */
export function createStartingAccounts(draft: Draft, records: number, hasStaff: boolean): number {
  for (const account of NEEDED) createAccount(draft, account)
  if (records < USUAL_FROM_RECORDS) return NEEDED.length
  const ids = new Map<string, string>()
  for (const { under, ...account } of USUAL) {
    const parentId = under === undefined ? undefined : ids.get(under)
    const { Id } = createAccount(draft, parentId === undefined ? account : { ...account, parentId })
    ids.set(account.name, Id)
  }
  if (hasStaff) createAccount(draft, WAGES)
  return NEEDED.length + USUAL.length + (hasStaff ? 1 : 0)
}
