/** What a customer owes the company. Money is decimal text, dates are `YYYY-MM-DD`; null: not sent by QuickBooks. */
export interface Invoice {
  readonly customerId: string | null
  readonly customerName: string | null
  readonly docNumber: string | null
  readonly txnDate: string
  readonly dueDate: string | null
  readonly currency: string | null
  /** Home units per one unit of the invoice's currency. */
  readonly exchangeRate: string | null
  readonly totalAmount: string
  readonly balance: string
  readonly homeTotalAmount: string | null
  readonly homeBalance: string | null
  readonly emailStatus: string | null
  readonly privateNote: string | null
  /** QuickBooks has no status for this: the only signs are zero amounts and a note that begins with "Voided". */
  readonly voided: boolean
}
