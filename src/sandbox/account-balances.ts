import type { AccountFacts, CompanyState } from './company-state.ts'
import type { WorkingRecord } from './working-record.ts'
import { parseKeepingNumbers } from './json.ts'
import { amount } from './money.ts'
import { pacificSecond } from './pacific-time.ts'
import type { Account } from './wire.ts'

/**
 * Brings the balances of the accounts that transactions moved, and of the accounts above them, up to what the
 * ledger says. LastUpdatedTime becomes the second of the transaction; SyncToken stays. Income and expense
 * accounts show 0 and do not surface.
 */
export function renderAccounts(
  state: CompanyState,
  working: Map<string, WorkingRecord>,
  movedAccounts: Map<string, number>,
): void {
  for (const [accountId, secondMs] of movedAccounts) {
    for (const facts of withAncestors(state, accountId)) render(state, working, facts, secondMs)
  }
  movedAccounts.clear()
}

function isOnBalanceSheet({ classification }: AccountFacts): boolean {
  return classification === 'Asset' || classification === 'Liability' || classification === 'Equity'
}

function render(
  state: CompanyState,
  working: Map<string, WorkingRecord>,
  facts: AccountFacts,
  secondMs: number,
): void {
  const item = workingAccount(state, working, facts.id)
  if (!item || !isOnBalanceSheet(facts)) return
  const account = item.object as Account
  account.CurrentBalance = amount(state.ledger.totals(facts.id).own)
  account.CurrentBalanceWithSubAccounts = amount(treeTotal(state, facts))
  item.updatedMs = Math.max(item.updatedMs, secondMs)
  account.MetaData.LastUpdatedTime = pacificSecond(item.updatedMs)
  item.changed = true
}

/** Absent when the account went away in the same action (a merge). */
function workingAccount(
  state: CompanyState,
  working: Map<string, WorkingRecord>,
  id: string,
): WorkingRecord | null {
  const known = working.get(`Account ${id}`)
  if (known) return known
  const entry = state.shelves.Account.get(id)
  if (!entry || !state.chart.has(id)) return null
  const { createdMs, updatedMs, postings, text } = entry
  const object = parseKeepingNumbers(text) as unknown as Account
  const item: WorkingRecord = { type: 'Account', id, object, createdMs, updatedMs, postings, changed: false }
  working.set(`Account ${id}`, item)
  return item
}

function withAncestors({ chart }: CompanyState, accountId: string): AccountFacts[] {
  const facts = chart.get(accountId)
  if (!facts) return []
  const line = [facts]
  for (let parent = facts.parentId; parent !== null;) {
    const above = chart.get(parent)
    if (!above || line.includes(above)) break
    line.push(above)
    parent = above.parentId
  }
  return line
}

/** An account of another currency counts in a tree with its home value. */
function treeTotal(state: CompanyState, top: AccountFacts): number {
  let total = state.ledger.totals(top.id).own
  for (const facts of state.chart.values()) {
    if (facts.id === top.id || !withAncestors(state, facts.id).includes(top)) continue
    const totals = state.ledger.totals(facts.id)
    total += facts.currency === top.currency ? totals.own : totals.home
  }
  return total
}
