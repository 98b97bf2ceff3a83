import { rowsOf, type Tx } from '../db/database.ts'

/**
 * Which tokens a run worked with: the ciphertext of the refresh token, which no two writes share. Null if there was
 * none.
 */
export type ConnectionMark = string | null

/** What a run blames when it fails: the tokens it had, and when the company's status was last set before it began. */
export interface Judged {
  /** Undefined when it failed before it looked at any. */
  readonly connection: ConnectionMark | undefined
  readonly statusChangedAt: Date
}

/**
 * Whether the company has other tokens by now, or somebody paused, resumed, connected or disconnected it meanwhile:
 * then what a run found out before no longer applies. Locks the company until the transaction ends, and waits for any
 * renewal of its tokens, so that neither changes before the result is used.
 */
export async function isReplaced(tx: Tx, realmId: string, judged: Judged): Promise<boolean> {
  const [company] = await rowsOf<{ statusChangedAt: Date }>(
    tx.trx,
    `SELECT status_changed_at AS "statusChangedAt" FROM companies WHERE realm_id = :realmId FOR NO KEY UPDATE`,
    { realmId },
  )
  if (company?.statusChangedAt.getTime() !== judged.statusChangedAt.getTime()) return true
  if (judged.connection === undefined) return false
  const [stored] = await rowsOf<{ mark: ConnectionMark }>(
    tx.trx,
    `SELECT refresh_token_ciphertext AS mark FROM connections WHERE realm_id = :realmId FOR SHARE`,
    { realmId },
  )
  return (stored?.mark ?? null) !== judged.connection
}
