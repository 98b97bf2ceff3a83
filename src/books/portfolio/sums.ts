/** Decimal text throughout; currencies are never added together. */
export interface CashSum {
  readonly currency: string | null
  readonly amount: string
}

/** Open amounts by days past due. What has no due date is current. */
export interface AgedSums {
  readonly current: string
  readonly days1To30: string
  readonly days31To60: string
  readonly days61To90: string
  readonly over90: string
}

export interface OverdueParty {
  readonly counterpartyId: string | null
  readonly name: string | null
  readonly amount: string
  readonly oldestDueDate: string
}

/** What is owed in one currency. */
export interface OwedSums {
  readonly currency: string | null
  /** Of all open bills or invoices, overdue ones included. */
  readonly open: string
  readonly overdue: string
  readonly ages: AgedSums
  /** From today, both ends included; overdue ones are not. */
  readonly dueWithin7Days: string
  readonly dueWithin14Days: string
  readonly count: number
  readonly overdueCount: number
  /** What the A/R or A/P accounts show, positive for what is owed; null if there is no such account. */
  readonly accountBalance: string | null
  readonly largestOverdue: readonly OverdueParty[]
}

/** What the books of one company add up to on one of its days. */
export interface CompanySums {
  readonly cash: readonly CashSum[]
  readonly receivables: readonly OwedSums[]
  readonly payables: readonly OwedSums[]
  /** When versions began within the last day, and how many at once: what a transaction writes begins at one moment. */
  readonly changes: readonly (readonly [micros: string, count: number])[]
}
