import type { Logger } from 'winston'
import type { Database, Tx } from '../db/database.ts'
import { LedgerError, toLedgerError } from '../domain/ledger-error.ts'
import { Company } from '../models/company.ts'
import { Connection, type Environment } from '../models/connection.ts'
import { encryptedTokens, type OnCall } from './access-tokens.ts'
import { recordEvent, type Doer } from './record-event.ts'
import { requestSync } from './request-sync.ts'
import type { TokenCipher } from './token-cipher.ts'
import type { TokenSet } from './token-set.ts'

export interface Registration {
  readonly realmId: string
  readonly refreshToken: string
  /** Given both of these, the refresh token is not used until the access token expires. */
  readonly accessToken: string | null
  readonly accessTokenExpiresAt: Date | null
  /** The firm's name for the company; null keeps its earlier one, or QuickBooks' own. */
  readonly name: string | null
}

export interface RegisterOptions {
  readonly database: Database
  readonly cipher: TokenCipher
  readonly environment: Environment
  readonly refreshTokens: (refreshToken: string, onCall: OnCall) => Promise<TokenSet>
  /** Reads the company's own record with an access token: the proof that the token opens this company. */
  readonly tryAccess: (realmId: string, accessToken: string, onCall: OnCall) => Promise<{ name: string }>
  /** Queues a run in the transaction that asked for it. */
  readonly enqueue: (tx: Tx, realmIds: readonly string[]) => Promise<void>
  /** Counts calls made on behalf of a company outside any run. */
  readonly recordCalls: (tx: Tx, realmId: string, calls: Parameters<OnCall>[0][]) => Promise<void>
  readonly log: Logger
}

// Intuit's rolling lifetime of a refresh token, assumed until the first refresh tells.
const REFRESH_TOKEN_LIFE_MS = 100 * 86_400_000

/**
 * Registers a company whose OAuth was done elsewhere, or replaces its tokens, and requests a run (for a paused company:
 * once it is resumed). The tokens are tried at once; if refused, nothing changes here.
 *
 * @throws LedgerError `needs_reauth` when Intuit refuses the tokens, `unavailable` when it could not be reached.
 */
export async function registerCompany(
  options: RegisterOptions,
  registration: Registration,
  by: Doer,
): Promise<{ created: boolean; request: number | null }> {
  const calls: Parameters<OnCall>[0][] = []
  const onCall: OnCall = (call) => calls.push(call)
  const { tokens, name } = await tryTokens(options, registration, onCall).catch(async (error: unknown) => {
    await recordRefused(options, registration.realmId, calls)
    throw error
  })
  return options.database.transaction(async (tx) => {
    const became = await saveCompany(tx, registration, name)
    const created = became === 'registered'
    await saveConnection(options, tx, registration.realmId, tokens)
    await options.recordCalls(tx, registration.realmId, calls)
    const { realmId } = registration
    await recordEvent(tx, { realmId, kind: became, detail: { environment: options.environment } }, by)
    const asked = created
      ? ({ mode: 'full', trigger: 'backfill' } as const)
      : ({ mode: 'incremental', trigger: 'manual' } as const)
    const requests = await requestSync(tx, [registration.realmId], asked)
    await options.enqueue(tx, [registration.realmId])
    return { created, request: requests.get(registration.realmId) ?? null }
  })
}

async function tryTokens(
  options: RegisterOptions,
  registration: Registration,
  onCall: OnCall,
): Promise<{ tokens: TokenSet; name: string | null }> {
  const tokens = await obtainTokens(options, registration, onCall)
  return { tokens, name: await proveAccess(options, registration, tokens, onCall) }
}

/** Calls are counted per company: those for one never registered cannot be recorded. */
async function recordRefused(
  { database, recordCalls, log }: RegisterOptions,
  realmId: string,
  calls: Parameters<OnCall>[0][],
): Promise<void> {
  const recorded = database.transaction(async (tx) => {
    if (await Company.query(tx.trx).findById(realmId)) await recordCalls(tx, realmId, calls)
  })
  // The caller should hear why the tokens were refused, not about this.
  await recorded.catch((error: unknown) => log.error('calls were not counted', { realmId, calls, error }))
}

async function obtainTokens(
  { refreshTokens, database }: RegisterOptions,
  { refreshToken, accessToken, accessTokenExpiresAt }: Registration,
  onCall: OnCall,
): Promise<TokenSet> {
  const now = database.clock.now()
  if (accessToken === null || accessTokenExpiresAt === null || accessTokenExpiresAt <= now) {
    return refreshTokens(refreshToken, onCall)
  }
  const refreshTokenExpiresAt = new Date(now.getTime() + REFRESH_TOKEN_LIFE_MS)
  return { accessToken, accessTokenExpiresAt, refreshToken, refreshTokenExpiresAt }
}

/** If Intuit is merely down, that proves nothing against tokens it just issued: they must not be lost. */
async function proveAccess(
  { tryAccess, log }: RegisterOptions,
  { realmId }: Registration,
  tokens: TokenSet,
  onCall: OnCall,
): Promise<string | null> {
  try {
    return (await tryAccess(realmId, tokens.accessToken, onCall)).name
  } catch (thrown) {
    const error = toLedgerError(thrown)
    if (error.code === 'token_expired') {
      throw new LedgerError('needs_reauth', `Intuit refuses the access token: ${error.message}`, {
        cause: error,
      })
    }
    if (error.code === 'unavailable' || error.code === 'throttled') {
      log.warn('tokens accepted without proof that they open the company', { realmId, error })
      return null
    }
    throw error
  }
}

async function saveCompany(
  tx: Tx,
  { realmId, name: givenName }: Registration,
  nameAtIntuit: string | null,
): Promise<'registered' | 'connected' | 'tokens_replaced'> {
  const known = await Company.query(tx.trx).findById(realmId).forUpdate()
  if (!known) {
    await Company.query(tx.trx).insert({
      realmId,
      name: givenName ?? nameAtIntuit,
      setByFirm: givenName === null ? [] : ['name'],
      status: 'active',
      statusChangedAt: tx.now,
      nextSyncAt: tx.now,
      createdAt: tx.now,
    })
    return 'registered'
  }
  // Somebody paused it for a reason unrelated to its tokens; `/resume` ends that.
  const stays = known.status === 'active' || known.status === 'paused'
  await Company.query(tx.trx)
    .findById(realmId)
    .patch({
      ...nameOf(known, givenName, nameAtIntuit),
      ...(stays ? {} : { status: 'active', statusChangedAt: tx.now }),
      statusCode: null,
      failuresInARow: 0,
      failingSince: null,
      failingCode: null,
      failingCodeSince: null,
    })
  return known.status === 'disconnected' ? 'connected' : 'tokens_replaced'
}

/** The firm's name for a company stays until the firm changes it; without one, QuickBooks' name is used. */
function nameOf(known: Company, givenName: string | null, nameAtIntuit: string | null): Partial<Company> {
  const isGiven = known.setByFirm.includes('name')
  if (givenName !== null) {
    return { name: givenName, setByFirm: isGiven ? known.setByFirm : [...known.setByFirm, 'name'] }
  }
  return isGiven || nameAtIntuit === null ? {} : { name: nameAtIntuit }
}

async function saveConnection(
  { cipher, environment }: RegisterOptions,
  tx: Tx,
  realmId: string,
  tokens: TokenSet,
): Promise<void> {
  await Connection.query(tx.trx)
    .insert({ realmId, environment, ...encryptedTokens(cipher, realmId, tokens, tx.now) })
    .onConflict('realm_id')
    .merge()
}
