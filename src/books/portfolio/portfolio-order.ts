import { compareDecimals } from '../versions/decimals.ts'
import { GROUPS } from './flags.ts'
import type { PortfolioCompany } from './portfolio.ts'

export const PORTFOLIO_SORTS = [
  'worst',
  'name',
  'cash',
  'receivables',
  'payables',
  'overdue',
  'changed',
  'lag',
] as const

export type PortfolioSort = (typeof PORTFOLIO_SORTS)[number]

/** `worst`: what a person must act on first, then the latest; the others as they are called. */
export interface PortfolioOrder {
  readonly by: PortfolioSort
  readonly descending: boolean
}

/** Companies without a value come last in both directions; ties go by name, then realm id. */
export function sorted(
  companies: readonly PortfolioCompany[],
  { by, descending }: PortfolioOrder,
): PortfolioCompany[] {
  const turn = descending ? -1 : 1
  return [...companies].sort((one, other) => {
    const known = Number(isNothing(one, by)) - Number(isNothing(other, by))
    if (known !== 0) return known
    return turn * compare(one, other, by) || byName(one, other)
  })
}

function isNothing(company: PortfolioCompany, by: PortfolioSort): boolean {
  return by !== 'worst' && by !== 'name' && by !== 'lag' && company.cash === null
}

function compare(one: PortfolioCompany, other: PortfolioCompany, by: PortfolioSort): number {
  switch (by) {
    case 'worst':
      return compareWorst(one, other)
    case 'name':
      return byName(one, other)
    case 'changed':
      return (one.changedLast24Hours ?? 0) - (other.changedLast24Hours ?? 0)
    case 'lag':
      return one.mirror.lagSeconds - other.mirror.lagSeconds
    case 'cash':
    case 'receivables':
    case 'payables':
    case 'overdue':
      return compareDecimals(amountOf(one, by), amountOf(other, by))
  }
}

/** Among those with something wrong the longest behind; among the others lags of seconds are noise. */
function compareWorst(one: PortfolioCompany, other: PortfolioCompany): number {
  const place = GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group)
  if (place !== 0 || one.group === 'fine' || one.group === 'off') return place
  return other.mirror.lagSeconds - one.mirror.lagSeconds
}

/** In the company's own currency: two currencies cannot be compared. */
function amountOf(company: PortfolioCompany, by: 'cash' | 'receivables' | 'payables' | 'overdue'): string {
  const own = <Sum extends { readonly currency: string | null }>(sums: readonly Sum[] | null) =>
    sums?.find(({ currency }) => currency === company.homeCurrency) ?? sums?.[0]
  switch (by) {
    case 'cash':
      return own(company.cash)?.amount ?? '0'
    case 'receivables':
      return own(company.receivables)?.open ?? '0'
    case 'payables':
      return own(company.payables)?.open ?? '0'
    case 'overdue':
      return own(company.receivables)?.overdue ?? '0'
  }
}

function byName(one: PortfolioCompany, other: PortfolioCompany): number {
  const names = [one, other].map(({ name, realmId }) => (name ?? realmId).toLowerCase()) as [string, string]
  if (names[0] !== names[1]) return names[0] < names[1] ? -1 : 1
  return one.realmId < other.realmId ? -1 : 1
}
