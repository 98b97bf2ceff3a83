/** What the company owes a vendor. Money is decimal text, dates are `YYYY-MM-DD`; null: not sent by QuickBooks. */
export interface Bill {
  readonly vendorId: string | null
  readonly vendorName: string | null
  readonly docNumber: string | null
  readonly txnDate: string
  readonly dueDate: string | null
  readonly currency: string | null
  /** Home units per one unit of the bill's currency. */
  readonly exchangeRate: string | null
  readonly totalAmount: string
  readonly balance: string
  readonly homeBalance: string | null
  readonly apAccountId: string | null
  readonly privateNote: string | null
}
