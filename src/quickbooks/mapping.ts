/** What a payload does not say itself. */
export interface Mapping {
  /** For records without CurrencyRef, which single-currency companies may leave out; null while unknown. */
  readonly homeCurrency: string | null
}
