/** What a payload does not say of itself. */
export interface Mapping {
  /** For records without CurrencyRef, which single-currency companies may leave out; null while it is not known. */
  readonly homeCurrency: string | null
}
