import { createRequire } from 'node:module'

import type { AxiosStatic } from 'axios'

import { LedgerError } from '../domain/ledger-error.ts'

/** Queries, one method per entity. */
export type FindMethod = 'findVendors' | 'findCustomers' | 'findAccounts' | 'findBills' | 'findInvoices'

type Callback = (error: unknown) => void

/**
 * Everything this service uses of node-quickbooks: reads, and the two calls on tokens. The package's own types are not
 * used, because they offer every write as well.
 */
export type ReadOnlyClient = {
  readonly [Method in FindMethod]: (criteria: string, callback: Callback) => void
} & {
  /** The part of the URL before the realm id. */
  endpoint: string
  changeDataCapture(entities: string, since: string, callback: Callback): void
  getCompanyInfo(id: string, callback: Callback): void
  getPreferences(callback: Callback): void
  refreshAccessToken(callback: Callback): void
  revokeAccess(useRefresh: boolean, callback: Callback): void
}

interface ClientOptions {
  readonly consumerKey: string
  readonly consumerSecret: string
  readonly token: string
  /** False for OAuth 2.0: only OAuth 1 has one. */
  readonly tokenSecret: false
  readonly realmId: string
  readonly useSandbox: false
  readonly debug: false
  readonly minorversion: number
  readonly oauthversion: '2.0'
  readonly refreshToken: string
}

// From 2025-08-01 Intuit serves every older minor version as 75.
const MINOR_VERSION = 75

const load = createRequire(import.meta.url)
const NodeQuickBooks = load('node-quickbooks') as new (options: ClientOptions) => ReadOnlyClient

/**
 * The axios that node-quickbooks calls. Its CommonJS copy is a different module instance from the one that `import`
 * gives, with its own interceptors, so it is resolved from node-quickbooks' place.
 */
const loadBesideLibrary = createRequire(load.resolve('node-quickbooks'))
requireOneCopy(load.resolve('axios'), loadBesideLibrary.resolve('axios'))
export const libraryAxios = loadBesideLibrary('axios') as AxiosStatic

/**
 * The hooks were tested with the version pinned in package.json; a second copy installed for node-quickbooks alone
 * would silently be used instead.
 *
 * @throws LedgerError `app_misconfigured` when the two resolve to different axios files
 */
export function requireOneCopy(ours: string, theirs: string): void {
  if (ours === theirs) return
  throw new LedgerError(
    'app_misconfigured',
    `node-quickbooks would use another axios (${theirs}) than this service (${ours}): install again with npm ci`,
  )
}

/** A client for one call: it holds one token and does not outlive the call. */
export function createClient(options: {
  readonly apiBaseUrl: string
  readonly realmId: string
  readonly accessToken: string
}): ReadOnlyClient {
  const client = new NodeQuickBooks({
    ...NO_CREDENTIALS,
    token: options.accessToken,
    realmId: options.realmId,
  })
  client.endpoint = `${options.apiBaseUrl.replace(/\/+$/, '')}/v3/company/`
  return client
}

/** A client for one call to the token endpoints. */
export function createTokenClient(options: {
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
}): ReadOnlyClient {
  return new NodeQuickBooks({
    ...NO_CREDENTIALS,
    consumerKey: options.clientId,
    consumerSecret: options.clientSecret,
    refreshToken: options.refreshToken,
  })
}

const NO_CREDENTIALS: ClientOptions = {
  consumerKey: '',
  consumerSecret: '',
  token: '',
  tokenSecret: false,
  realmId: '',
  useSandbox: false,
  debug: false,
  minorversion: MINOR_VERSION,
  oauthversion: '2.0',
  refreshToken: '',
}
