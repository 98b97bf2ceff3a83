import type { TestMirror } from './mirror.ts'
import { REALM } from './mirror.ts'

export interface OpenReject {
  readonly entity: string
  readonly qboId: string | null
  readonly position: string | null
  readonly code: string
  readonly attempts: number
  readonly retryAt: Date
}

/** The rejects of a company that stand, oldest first. */
export function openRejects(mirror: Pick<TestMirror, 'rows'>, realmId = REALM): Promise<OpenReject[]> {
  return mirror.rows<OpenReject>(
    `SELECT entity, qbo_id AS "qboId", position, code, attempts, retry_at AS "retryAt"
       FROM sync_rejects
      WHERE realm_id = :realmId AND resolved_at IS NULL
      ORDER BY id`,
    { realmId },
  )
}

/** As somebody does who asks for them to be tried again. */
export async function makeRejectsDue(mirror: Pick<TestMirror, 'rows' | 'clock'>): Promise<void> {
  await mirror.rows('UPDATE sync_rejects SET retry_at = :now WHERE resolved_at IS NULL', {
    now: mirror.clock.now().toISOString(),
  })
}
