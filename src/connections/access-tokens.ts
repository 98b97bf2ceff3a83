import pLimit from 'p-limit'
import type { Logger } from 'winston'
import type { Database, Tx } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import type { InTurn } from '../domain/pace.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import { Connection, type Environment } from '../models/connection.ts'
import type { ConnectionMark } from './replaced.ts'
import type { TokenCipher } from './token-cipher.ts'
import type { TokenSet } from './token-set.ts'

export type OnCall = (call: QuickBooksCall) => void

/** Called with the tokens of a company that are used from now on. */
export type OnConnection = (mark: ConnectionMark) => void

export interface AccessTokensOptions {
  readonly database: Database
  readonly cipher: TokenCipher
  readonly environment: Environment
  /** Refreshes at Intuit; gives up after 10 seconds. */
  readonly refreshTokens: (refreshToken: string, onCall: OnCall) => Promise<TokenSet>
  readonly log: Logger
}

/** Which run or request a token is for. */
export interface Asker {
  readonly onCall: OnCall
  /** Every call to the token endpoint goes through this. */
  readonly inTurn: InTurn
  readonly onConnection: OnConnection
}

export interface AccessTokens {
  /** An access token valid for at least two more minutes, renewed first if needed. */
  get(realmId: string, asker: Asker): Promise<string>
  /** A token other than `stale`, which Intuit just refused. */
  renew(realmId: string, stale: string, asker: Asker): Promise<string>
}

// Long enough for most runs of a company, and for Intuit's clock to differ from ours.
const RENEW_BEFORE_MS = 120_000
// Each refresh holds a database connection for the length of Intuit's answer.
const REFRESHES_AT_ONCE = 2
// A failed save after Intuit rotated the token loses the connection a day later, so it is retried.
const SAVE_ATTEMPTS = 3

/**
 * Access tokens of every company. Refresh tokens rotate, and two concurrent refreshes would lose one. So the row is
 * locked, read again under the lock, and the answer saved before the lock is released.
 */
export function createAccessTokens(options: AccessTokensOptions): AccessTokens {
  const limit = pLimit(REFRESHES_AT_ONCE)
  return {
    async get(realmId, asker) {
      const stored = await Connection.query(options.database.knex).findById(realmId)
      const connection = callable(options, stored, { ...asker, realmId })
      return (
        heldToken(options, connection, null) ??
        limit(() => refreshUnderLock(options, { ...asker, realmId, stale: null }))
      )
    },
    renew: (realmId, stale, asker) => limit(() => refreshUnderLock(options, { ...asker, realmId, stale })),
  }
}

interface Asked extends Asker {
  readonly realmId: string
}

function callable(
  { environment }: AccessTokensOptions,
  connection: Connection | undefined,
  { realmId, onConnection }: Asked,
): Connection {
  onConnection(connection?.refreshTokenCiphertext ?? null)
  if (!connection) throw new LedgerError('needs_reauth', `company ${realmId} has no connection`)
  if (connection.environment !== environment) {
    throw new LedgerError(
      'wrong_environment',
      `company ${realmId} was connected in the ${connection.environment} environment and QBO_ENVIRONMENT is ${environment}`,
    )
  }
  return connection
}

function heldToken(
  { cipher, database }: AccessTokensOptions,
  connection: Connection,
  stale: string | null,
): string | null {
  const { accessTokenCiphertext, accessTokenExpiresAt } = connection
  if (!accessTokenCiphertext || !accessTokenExpiresAt) return null
  if (accessTokenExpiresAt.getTime() - database.clock.now().getTime() < RENEW_BEFORE_MS) return null
  const token = cipher.decrypt(connection.realmId, accessTokenCiphertext)
  return token === stale ? null : token
}

async function refreshUnderLock(
  options: AccessTokensOptions,
  asked: Asked & { readonly stale: string | null },
): Promise<string> {
  const { database, cipher } = options
  const { realmId, stale, onCall, inTurn } = asked
  let unsaved: Unsaved | null = null
  try {
    return await database.transaction(async (tx) => {
      const stored = await Connection.query(tx.trx).findById(realmId).forUpdate()
      const connection = callable(options, stored, asked)
      const held = heldToken(options, connection, stale)
      if (held !== null) return held
      const replacing = connection.refreshTokenCiphertext
      if (!replacing) throw new LedgerError('needs_reauth', `company ${realmId} has no refresh token`)
      const tokens = await inTurn(() => options.refreshTokens(cipher.decrypt(realmId, replacing), onCall))
      unsaved = { tokens, replacing }
      await saveTokens(options, tx, asked, unsaved)
      return tokens.accessToken
    })
  } catch (error) {
    if (unsaved === null) throw error
    options.log.warn('renewed tokens could not be saved, trying again', { realmId, error })
    return saveAgain(options, asked, unsaved)
  }
}

interface Unsaved {
  readonly tokens: TokenSet
  readonly replacing: string
}

async function saveAgain(options: AccessTokensOptions, asked: Asked, unsaved: Unsaved): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await options.database.transaction((tx) => saveTokens(options, tx, asked, unsaved))
      return unsaved.tokens.accessToken
    } catch (cause) {
      // The first failure was logged; of the later ones only the last is reported.
      if (attempt < SAVE_ATTEMPTS) continue
      const message = `renewed tokens of company ${asked.realmId} could not be saved`
      throw new LedgerError('unavailable', message, { cause })
    }
  }
}

/** Saves unless the row has received another refresh token meanwhile: that is newer than this answer. */
async function saveTokens(
  { cipher }: AccessTokensOptions,
  tx: Tx,
  { realmId, onConnection }: Asked,
  { tokens, replacing }: Unsaved,
): Promise<void> {
  const columns = encryptedTokens(cipher, realmId, tokens, tx.now)
  const stored = await Connection.query(tx.trx).findById(realmId).forUpdate()
  if (isSameToken(cipher, realmId, stored?.refreshTokenCiphertext ?? null, replacing)) {
    await Connection.query(tx.trx).findById(realmId).patch(columns)
  }
  onConnection(columns.refreshTokenCiphertext)
}

/** By what they hold: a rotation of keys encrypts the same token anew. */
function isSameToken(
  cipher: TokenCipher,
  realmId: string,
  stored: string | null,
  replacing: string,
): boolean {
  if (stored === null || stored === replacing) return stored === replacing
  return cipher.decrypt(realmId, stored) === cipher.decrypt(realmId, replacing)
}

type TokenColumns = Partial<Connection> & { readonly refreshTokenCiphertext: string }

/** The columns of a connection that hold a token set. */
export function encryptedTokens(
  cipher: TokenCipher,
  realmId: string,
  tokens: TokenSet,
  now: Date,
): TokenColumns {
  return {
    accessTokenCiphertext: cipher.encrypt(realmId, tokens.accessToken),
    accessTokenExpiresAt: tokens.accessTokenExpiresAt,
    refreshTokenCiphertext: cipher.encrypt(realmId, tokens.refreshToken),
    refreshTokenExpiresAt: tokens.refreshTokenExpiresAt,
    updatedAt: now,
  }
}
