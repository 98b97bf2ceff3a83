/** What the simulator is started with, as JSON in its first argument. */
export interface SimulatorSpec {
  readonly companies: number
  /** Records in each company at the start. */
  readonly records: number
  /** Invoices put into the first companies on top of them. */
  readonly invoices: number
  /** How many companies those are; 1 when left out. */
  readonly giants?: number
  /** So many of the companies have invoices that long. */
  readonly long?: { readonly companies: number; readonly linesPerInvoice: number }
}

/** What it tells its parent once it listens. */
export interface SimulatorReady {
  readonly url: string
  readonly apiBaseUrl: string
  readonly tokenUrl: string
  readonly revokeUrl: string
  readonly companies: { readonly realmId: string; readonly name: string; readonly refreshToken: string }[]
}

/** What its parent may ask: an action in the business of each company of a list. */
export interface SimulatorStep {
  readonly step: readonly string[]
}

export const SIMULATOR_CLIENT = { clientId: 'bench', clientSecret: 'bench-secret' }
