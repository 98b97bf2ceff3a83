import { lockDataFolder } from '../db/data-folder-lock.ts'
import { startActivity } from './activity.ts'
import type { Books } from './books.ts'
import { createCallLog } from './call-log.ts'
import type { CallLog } from './call-log.ts'
import type { CompanySpec } from './company-state.ts'
import type { WriteAttempt } from './data-routes.ts'
import { createFaultBox } from './faults.ts'
import type { Faults } from './faults.ts'
import { OAUTH_PATHS } from './oauth-routes.ts'
import { closeAtOnce, createHttpApp, listen } from './http-app.ts'
import { openCompanies } from './kept-companies.ts'
import type { PersonId } from './people.ts'
import { tokenFile } from './token-file.ts'
import { createTokenServer } from './tokens.ts'
import { createWebhooks, type Subscription } from './webhooks.ts'
import type { TokenPolicy } from './tokens.ts'

export type { Books, QboObject } from './books.ts'
export type { Call, CallLog } from './call-log.ts'
export type { CompanySpec } from './company-state.ts'
export type { WriteAttempt } from './data-routes.ts'
export type { FaultKind, Faults, FaultSpec } from './faults.ts'

export interface SandboxOptions {
  /** 0: any free one. */
  port: number
  /** Where books and tokens are kept; null: in memory only. */
  directory: string | null
  /** Epoch milliseconds: Intuit's clock. */
  now: () => number
  seed: number
  /** Created where the directory does not hold them already. */
  companies: CompanySpec[]
  clientId: string
  clientSecret: string
  /** Every so often, in real time, one business action happens in each lively company; null: never. */
  activityIntervalMs: number | null
}

export interface Sandbox {
  url: string
  /** The part before `/v3/company/`. */
  apiBaseUrl: string
  authorizeUrl: string
  tokenUrl: string
  revokeUrl: string
  /** With the refresh token to use now, which is empty after a revocation until somebody authorizes again. */
  companies(): { realmId: string; name: string; refreshToken: string }[]
  /** Throws for a company that does not exist. */
  books(realmId: string): Books
  faults: Faults
  calls: CallLog
  /** Attempts to write over the API: each was answered with 403, and nothing was done. */
  writes(): WriteAttempt[]
  addCompany(spec: CompanySpec): void
  /** Takes admin rights in a company from a person of the simulator, or gives them. */
  setAdmin(realmId: string, person: PersonId, isAdmin: boolean): void
  /** As an admin does it inside QuickBooks. */
  disconnect(realmId: string): void
  setTokenPolicy(policy: Partial<TokenPolicy>): void
  /** Where changes are told of from now on; nowhere before that. */
  subscribe(subscription: Subscription | null): void
  /** Closes all sockets at once. */
  stop(): Promise<void>
}

/** Starts Intuit's side on 127.0.0.1: OAuth, the Accounting API for reading, and the books behind it. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { now, seed, clientId, clientSecret } = options
  const lock = options.directory === null ? null : await lockDataFolder(options.directory)
  const calls = createCallLog()
  const faults = createFaultBox()
  const writes: WriteAttempt[] = []
  const stopping = new AbortController()
  const webhooks = createWebhooks(now, stopping.signal)
  const companies = openCompanies({
    ...{ directory: options.directory, now, seed },
    wanted: options.companies,
    tell: webhooks.tell,
  })
  const { load, save } = tokenFile(options.directory)
  const tokens = createTokenServer({ now, seed, state: load(), save })
  for (const realmId of companies.byRealm.keys()) tokens.connectOnce(realmId)
  const exchange = { now, seed, calls, faults, stopped: stopping.signal }

  const addCompany = (spec: CompanySpec) => {
    companies.add(spec)
    tokens.connectOnce(spec.realmId)
  }
  const books = (realmId: string) => {
    const found = companies.byRealm.get(realmId)
    if (!found) throw new Error(`there is no company ${realmId}`)
    return found.books
  }

  const realms = () => [...companies.byRealm.values()].map(({ state }) => state.spec)
  const list = () =>
    realms().map(({ realmId, name }) => ({ realmId, name, refreshToken: tokens.refreshToken(realmId) }))
  const control = {
    companies: list,
    addCompany,
    setAdmin: tokens.setAdmin,
    disconnect: tokens.disconnect,
    setTokenPolicy: tokens.setPolicy,
    subscribe: webhooks.subscribe,
    books,
    faults,
    calls,
    writes: () => [...writes],
  }
  const app = createHttpApp(
    { ...exchange, tokens, clientId, clientSecret, companies: realms },
    { ...exchange, tokens, writes, company: (realmId) => companies.byRealm.get(realmId)?.state ?? null },
    control,
  )
  const { server, url } = await listen(app, options.port).catch(async (error: unknown) => {
    await lock?.release()
    throw error
  })
  const beats = options.activityIntervalMs
  const activity = beats === null ? null : startActivity(beats, () => companies.byRealm.values())
  const stop = async () => {
    stopping.abort()
    activity?.stop()
    await closeAtOnce(server)
    companies.close()
    await lock?.release()
  }
  return { url, ...addresses(url), ...control, stop }
}

function addresses(url: string) {
  return {
    apiBaseUrl: url,
    authorizeUrl: `${url}${OAUTH_PATHS.authorize}`,
    tokenUrl: `${url}${OAUTH_PATHS.token}`,
    revokeUrl: `${url}${OAUTH_PATHS.revoke}`,
  }
}
