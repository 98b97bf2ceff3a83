/** An account of the chart of accounts with its current balance. Liabilities and equity are usually negative. */
export interface Balance {
  readonly accountName: string
  readonly fullyQualifiedName: string | null
  readonly accountType: string | null
  readonly accountSubType: string | null
  readonly classification: string | null
  readonly currency: string | null
  /** Decimal text. QuickBooks offers no "available" balance and none as of another day. */
  readonly currentBalance: string | null
  /** Includes every descendant: never sum it over a tree. */
  readonly currentBalanceWithSubAccounts: string | null
  readonly parentId: string | null
  readonly active: boolean
}
