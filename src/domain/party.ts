/** Whom the company buys from. */
export interface Vendor {
  readonly displayName: string
  readonly companyName: string | null
  readonly currency: string | null
  readonly active: boolean
}

/** Whom the company sells to. */
export interface Customer {
  readonly displayName: string
  readonly fullyQualifiedName: string | null
  readonly parentId: string | null
  readonly currency: string | null
  readonly active: boolean
}
