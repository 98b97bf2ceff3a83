import { rowsOf, type Tx } from '../db/database.ts'
import type { Fate } from '../domain/fate.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'

export interface Refusal {
  readonly realmId: string
  readonly code: ErrorCode
  /** When the refusals of this company began that now stand in a row; this moment at the first. */
  readonly since: Date
  /** What follows when it is the company's own. */
  readonly fate: Fate
}

// As many companies throttled, or refused, in turn with no success between are no coincidence.
export const COMPANIES_THAT_MEAN_THE_APP = 5
// How soon a refusal is looked at again that may concern the company or the whole app.
export const SECOND_LOOK_SECONDS = 60
// As long as the pause after a secret that Intuit refuses: only a person mends either.
export const HALT_SECONDS = 300
// A run that ends so soon after a refusal may have made its last call before it: writing a page takes 20 s at most.
const LAST_CALL_SECONDS = 30

/**
 * Intuit refuses a company that disconnected and an app that is wrongly set up with the same words. The company is
 * only blamed once another one was read since the refusals began; when many are refused and none was read between, or
 * all that could be, it is the app.
 */
export async function judgeRefusal(tx: Tx, { realmId, code, since, fate }: Refusal): Promise<Fate> {
  const [others] = await rowsOf<{ companies: number; served: number; refused: number; failing: number }>(
    tx.trx,
    `WITH others AS (
       SELECT greatest(last_success_at, last_served_at) AS served_at, failing_code, failing_code_since
         FROM companies
        WHERE status = 'active' AND realm_id <> :realmId
     )
     SELECT count(*) AS companies,
            count(*) FILTER (WHERE others.served_at > CAST(:since AS timestamptz) + make_interval(secs => :lastCall)) AS served,
            count(*) FILTER (WHERE failing_code = :code AND failing_code_since > newest.served_at) AS refused,
            count(*) FILTER (WHERE failing_code <> :code) AS failing
       FROM others
      CROSS JOIN (SELECT coalesce(max(served_at), '-infinity') AS served_at FROM others) AS newest`,
    { realmId, code, since, lastCall: LAST_CALL_SECONDS },
  )
  if (!others || others.companies === 0 || others.served > 0) return fate
  const alike = Math.min(others.companies - others.failing, COMPANIES_THAT_MEAN_THE_APP - 1)
  if (others.refused > 0 && others.refused >= alike) return { kind: 'halt', delaySeconds: HALT_SECONDS }
  return { kind: 'later', delaySeconds: SECOND_LOOK_SECONDS }
}
