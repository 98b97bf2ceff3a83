import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import { createCompanyReader, type CompanyAccess, type CompanyReader } from './company-reader.ts'
import { createReplyReader } from './reply-reader.ts'
import { refreshTokens, revokeToken, type TokenSet } from './tokens.ts'
import { createTransport } from './transport.ts'

export type { CompanyAccess, CompanyReader } from './company-reader.ts'
export { fewerMayDo, type PageRows } from './page-sizes.ts'
export type { ListingPage } from './list-page.ts'
export type { ChangesAnswer } from './read-changes.ts'
export type { TokenSet } from './tokens.ts'

export interface QuickBooksOptions {
  /** The part of the URL before `/v3/company/`. */
  readonly apiBaseUrl: string
  readonly tokenUrl: string
  readonly revokeUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** For each call of the Accounting API, from its start to the last byte. */
  readonly callTimeoutMs: number
  /** For each call of the token endpoints. */
  readonly tokenTimeoutMs: number
  /** Epoch ms: for call durations, token expiry and a Retry-After that names a date. */
  readonly now: () => number
}

/** Intuit's side: reading companies, and refreshing or revoking tokens. There is no way to write. */
export interface QuickBooks {
  company(access: CompanyAccess): CompanyReader
  /**
   * @throws LedgerError `needs_reauth` for a dead refresh token, `app_misconfigured` for refused credentials of the
   *   app, `throttled`, `unavailable`
   */
  refreshTokens(refreshToken: string, onCall?: (call: QuickBooksCall) => void): Promise<TokenSet>
  /** @throws LedgerError as refreshTokens does */
  revokeToken(refreshToken: string, onCall?: (call: QuickBooksCall) => void): Promise<void>
  /** Ends calls in flight as `unavailable`, refuses new ones likewise, and closes the sockets. */
  close(): void
}

/** Several may exist in one process, each with its own addresses and sockets. */
export function createQuickBooks(options: QuickBooksOptions): QuickBooks {
  const transport = createTransport(options)
  const replies = createReplyReader()
  return {
    company: (access) => createCompanyReader({ ...options, transport, replies }, access),
    refreshTokens: (refreshToken, onCall) => refreshTokens({ ...options, transport }, refreshToken, onCall),
    revokeToken: (refreshToken, onCall) => revokeToken({ ...options, transport }, refreshToken, onCall),
    close: () => {
      transport.close()
      replies.close()
    },
  }
}
