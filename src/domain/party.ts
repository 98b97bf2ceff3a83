/** A vendor: the company buys from it. */
export interface Vendor {
  readonly displayName: string
  readonly companyName: string | null
  readonly currency: string | null
  readonly active: boolean
}

/** A customer: the company sells to it. */
export interface Customer {
  readonly displayName: string
  readonly fullyQualifiedName: string | null
  readonly parentId: string | null
  readonly currency: string | null
  readonly active: boolean
}
