import type { QuickBooksCall } from '../../src/domain/quickbooks-call.ts'
import {
  createQuickBooks,
  type CompanyAccess,
  type CompanyReader,
  type QuickBooks,
  type QuickBooksOptions,
} from '../../src/quickbooks/quickbooks.ts'

export const CLIENT_ID = 'AppClientId'
export const CLIENT_SECRET = 'app-client-secret-Zx81'
export const REALM = '4620816300000000001'

/** Where the other side stands: the simulator or a server made for one test. */
export interface Addresses {
  readonly apiBaseUrl: string
  readonly tokenUrl: string
  readonly revokeUrl: string
}

export function openQuickBooks(addresses: Addresses, options: Partial<QuickBooksOptions> = {}): QuickBooks {
  return createQuickBooks({
    apiBaseUrl: addresses.apiBaseUrl,
    tokenUrl: addresses.tokenUrl,
    revokeUrl: addresses.revokeUrl,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    callTimeoutMs: 30_000,
    tokenTimeoutMs: 30_000,
    now: () => 1_795_331_702_318,
    ...options,
  })
}

export interface OpenCompany {
  readonly reader: CompanyReader
  /** Every call reported so far. */
  readonly calls: QuickBooksCall[]
}

export function openCompany(quickBooks: QuickBooks, access: Partial<CompanyAccess> = {}): OpenCompany {
  const calls: QuickBooksCall[] = []
  const reader = quickBooks.company({
    realmId: REALM,
    homeCurrency: () => 'USD',
    accessToken: () => Promise.resolve('access-token-1'),
    renewAccessToken: () => Promise.resolve('access-token-2'),
    onCall: (call) => calls.push(call),
    inTurn: (call) => call(),
    signal: new AbortController().signal,
    ...access,
  })
  return { reader, calls }
}
