import type { Logger } from 'winston'
import type { Database, Tx } from '../db/database.ts'
import { nameCompany, type CompanyStatus } from '../domain/company.ts'
import { LedgerError, toLedgerError } from '../domain/ledger-error.ts'
import { whatToDo } from '../domain/what-to-do.ts'
import { Company } from '../models/company.ts'
import { Connection } from '../models/connection.ts'
import type { OnCall } from './access-tokens.ts'
import { recordEvent, type Doer } from './record-event.ts'
import { requestSync } from './request-sync.ts'
import type { TokenCipher } from './token-cipher.ts'

/** Stops syncing a company until it is resumed; its connection stays. */
export async function pauseCompany(database: Database, realmId: string, by: Doer): Promise<void> {
  await database.transaction(async (tx) => {
    const company = await connectedCompany(tx, realmId)
    await setStatus(tx, company, 'paused')
    if (company.status !== 'paused') await recordEvent(tx, { realmId, kind: 'paused' }, by)
  })
}

/** Syncs a company again, whether it was paused, lapsed or refused by Intuit: the next run shows whether it works. */
export async function resumeCompany(
  database: Database,
  enqueue: (tx: Tx, realmIds: readonly string[]) => Promise<void>,
  realmId: string,
  by: Doer,
): Promise<void> {
  await database.transaction(async (tx) => {
    const company = await connectedCompany(tx, realmId)
    await setStatus(tx, company, 'active')
    if (company.status !== 'active') {
      await recordEvent(tx, { realmId, kind: 'resumed', detail: { from: company.status } }, by)
    }
    await requestSync(tx, [realmId], { mode: 'incremental', trigger: 'manual' })
    await enqueue(tx, [realmId])
  })
}

/**
 * Ends the connection: the tokens are deleted here whatever Intuit says; the mirror stays readable.
 *
 * @returns why Intuit did not revoke them; null when it did or there was nothing to revoke.
 */
export async function disconnectCompany(
  options: {
    readonly database: Database
    readonly cipher: TokenCipher
    readonly revokeToken: (refreshToken: string, onCall: OnCall) => Promise<void>
    readonly recordCalls: (tx: Tx, realmId: string, calls: Parameters<OnCall>[0][]) => Promise<void>
    readonly log: Logger
  },
  realmId: string,
  by: Doer,
): Promise<string | null> {
  const ciphertext = await options.database.transaction(async (tx) => {
    const company = await Company.query(tx.trx).findById(realmId).forUpdate()
    if (!company) throw unknownCompany(realmId)
    const connection = await Connection.query(tx.trx).findById(realmId).forUpdate()
    await Connection.query(tx.trx).findById(realmId).patch({
      accessTokenCiphertext: null,
      accessTokenExpiresAt: null,
      refreshTokenCiphertext: null,
      refreshTokenExpiresAt: null,
      updatedAt: tx.now,
    })
    await setStatus(tx, company, 'disconnected')
    if (company.status !== 'disconnected') await recordEvent(tx, { realmId, kind: 'disconnected' }, by)
    return connection?.refreshTokenCiphertext ?? null
  })
  if (ciphertext === null) return null
  const calls: Parameters<OnCall>[0][] = []
  try {
    await options.revokeToken(options.cipher.decrypt(realmId, ciphertext), (call) => calls.push(call))
    return null
  } catch (error) {
    options.log.warn('tokens were deleted without being revoked', { realmId, error })
    return toLedgerError(error).message
  } finally {
    await options.database
      .transaction((tx) => options.recordCalls(tx, realmId, calls))
      // The company is disconnected, and that is the answer to give.
      .catch((error: unknown) => options.log.error('calls were not counted', { realmId, calls, error }))
  }
}

export function unknownCompany(realmId: string): LedgerError {
  return new LedgerError('not_found', `no company ${realmId} is registered`)
}

async function connectedCompany(tx: Tx, realmId: string): Promise<Company> {
  const company = await Company.query(tx.trx).findById(realmId).forUpdate()
  if (!company) throw unknownCompany(realmId)
  if (company.status === 'disconnected') {
    throw new LedgerError(
      'company_inactive',
      `${nameCompany(company)} is disconnected. ${whatToDo('company_inactive', company)}`,
    )
  }
  return company
}

async function setStatus(tx: Tx, { realmId }: Company, status: CompanyStatus): Promise<void> {
  await Company.query(tx.trx).findById(realmId).patch({ status, statusCode: null, statusChangedAt: tx.now })
}
