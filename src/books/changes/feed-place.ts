/** Where a reader of the feed stands: behind this version. */
export interface FeedPlace {
  /** The mark of the epoch in which the cursor was given. */
  readonly mark: string
  /** True for what was written before the epoch began, by the transaction numbers of another cluster. */
  readonly isEarlier: boolean
  readonly txId: string
  /** Microseconds since 1970 at which the version began. */
  readonly micros: string
  readonly realmId: string
  /** The entity's place in ENTITIES. */
  readonly entity: number
  readonly qboId: string
}
