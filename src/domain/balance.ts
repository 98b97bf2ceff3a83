/** An account of the chart of accounts with what stands on it now. Liabilities and equity usually come negative. */
export interface Balance {
  readonly accountName: string
  readonly fullyQualifiedName: string | null
  readonly accountType: string | null
  readonly accountSubType: string | null
  readonly classification: string | null
  readonly currency: string | null
  /** Decimal text. QuickBooks gives no "available" balance, and none as of another day. */
  readonly currentBalance: string | null
  /** Includes every descendant: never to be summed over a tree. */
  readonly currentBalanceWithSubAccounts: string | null
  readonly parentId: string | null
  readonly active: boolean
}
