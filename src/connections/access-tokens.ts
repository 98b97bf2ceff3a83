import pLimit from 'p-limit'
import type { Database, Tx } from '../db/database.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import type { InTurn } from '../domain/pace.ts'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'
import { Connection, type Environment } from '../models/connection.ts'
import type { TokenCipher } from './token-cipher.ts'
import type { TokenSet } from './token-set.ts'

export type OnCall = (call: QuickBooksCall) => void

export interface AccessTokensOptions {
  readonly database: Database
  readonly cipher: TokenCipher
  readonly environment: Environment
  /** Asks Intuit; gives up after 10 seconds. */
  readonly refreshTokens: (refreshToken: string, onCall: OnCall) => Promise<TokenSet>
}

export interface AccessTokens {
  /** An access token that holds for two more minutes, renewed first where it does not. */
  get(realmId: string, onCall: OnCall, inTurn: InTurn): Promise<string>
  /** A token other than `stale`, which Intuit has just refused. */
  renew(realmId: string, stale: string, onCall: OnCall, inTurn: InTurn): Promise<string>
}

// A run of one company is over within it, and Intuit's clock may differ from ours.
const RENEW_BEFORE_MS = 120_000
// Each refresh holds a database connection for the length of Intuit's answer.
const REFRESHES_AT_ONCE = 2
// A save that fails after Intuit rotated the token loses the connection a day later: it is worth trying again.
const SAVE_ATTEMPTS = 3

/**
 * Access tokens of every company. Refresh tokens rotate, and two refreshers at once would lose one: so the row is
 * locked, read again inside the lock, and the answer saved before the lock goes.
 */
export function createAccessTokens(options: AccessTokensOptions): AccessTokens {
  const limit = pLimit(REFRESHES_AT_ONCE)
  return {
    async get(realmId, onCall, inTurn) {
      const connection = await readConnection(options, realmId)
      return (
        heldToken(options, connection, null) ??
        limit(() => refreshUnderLock(options, realmId, null, { onCall, inTurn }))
      )
    },
    renew: (realmId, stale, onCall, inTurn) =>
      limit(() => refreshUnderLock(options, realmId, stale, { onCall, inTurn })),
  }
}

async function readConnection(
  { database, environment }: AccessTokensOptions,
  realmId: string,
): Promise<Connection> {
  const connection = await Connection.query(database.knex).findById(realmId)
  return callable(connection, environment, realmId)
}

function callable(connection: Connection | undefined, environment: Environment, realmId: string): Connection {
  if (!connection) throw new LedgerError('needs_reauth', `company ${realmId} has no connection`)
  if (connection.environment !== environment) {
    throw new LedgerError(
      'app_misconfigured',
      `company ${realmId} was connected in the ${connection.environment} environment and this service runs in ${environment}`,
      { details: { ambiguous: true } },
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
  realmId: string,
  stale: string | null,
  { onCall, inTurn }: { readonly onCall: OnCall; readonly inTurn: InTurn },
): Promise<string> {
  const { database, environment, cipher } = options
  let unsaved: { tokens: TokenSet; replacing: string } | null = null
  try {
    return await database.transaction(async (tx) => {
      const connection = callable(
        await Connection.query(tx.trx).findById(realmId).forUpdate(),
        environment,
        realmId,
      )
      const held = heldToken(options, connection, stale)
      if (held !== null) return held
      const replacing = connection.refreshTokenCiphertext
      if (!replacing) throw new LedgerError('needs_reauth', `company ${realmId} has no refresh token`)
      const tokens = await inTurn(() => options.refreshTokens(cipher.decrypt(realmId, replacing), onCall))
      unsaved = { tokens, replacing }
      await saveTokens(options, tx, realmId, tokens, replacing)
      return tokens.accessToken
    })
  } catch (error) {
    if (unsaved === null) throw error
    return saveAgain(options, realmId, unsaved)
  }
}

async function saveAgain(
  options: AccessTokensOptions,
  realmId: string,
  { tokens, replacing }: { tokens: TokenSet; replacing: string },
): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await options.database.transaction((tx) => saveTokens(options, tx, realmId, tokens, replacing))
      return tokens.accessToken
    } catch (cause) {
      if (attempt === SAVE_ATTEMPTS) {
        throw new LedgerError('unavailable', `renewed tokens of company ${realmId} could not be saved`, {
          cause,
        })
      }
    }
  }
}

/** Saves unless the row has meanwhile been given other tokens: those are newer than the answer in hand. */
async function saveTokens(
  { cipher }: AccessTokensOptions,
  tx: Tx,
  realmId: string,
  tokens: TokenSet,
  replacing: string,
): Promise<void> {
  await Connection.query(tx.trx)
    .patch(encryptedTokens(cipher, realmId, tokens, tx.now))
    .where({ realm_id: realmId, refresh_token_ciphertext: replacing })
}

/** The columns of a connection that hold a token set. */
export function encryptedTokens(
  cipher: TokenCipher,
  realmId: string,
  tokens: TokenSet,
  now: Date,
): Partial<Connection> {
  return {
    accessTokenCiphertext: cipher.encrypt(realmId, tokens.accessToken),
    accessTokenExpiresAt: tokens.accessTokenExpiresAt,
    refreshTokenCiphertext: cipher.encrypt(realmId, tokens.refreshToken),
    refreshTokenExpiresAt: tokens.refreshTokenExpiresAt,
    updatedAt: now,
  }
}
