/** A reader's place in the feed: just after this version. */
export interface FeedPlace {
  /** The mark of the epoch in which the cursor was issued. */
  readonly mark: string
  /** True for versions written before the epoch began, numbered by another cluster. */
  readonly isEarlier: boolean
  readonly txId: string
  /** Microseconds since 1970 at which the version began. */
  readonly micros: string
  readonly realmId: string
  /** The entity's place in ENTITIES. */
  readonly entity: number
  readonly qboId: string
}
