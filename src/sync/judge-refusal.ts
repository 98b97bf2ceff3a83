import { rowsOf, type Tx } from '../db/database.ts'
import type { Fate } from '../domain/fate.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'

export interface Refusal {
  readonly realmId: string
  readonly code: ErrorCode
  /** When the company's present row of refusals began; now, at the first. */
  readonly since: Date
  /** What follows if the cause lies with the company. */
  readonly fate: Fate
}

// This many companies throttled or refused in turn, with no success in between, are no coincidence.
export const COMPANIES_THAT_MEAN_THE_APP = 5
// How soon to try again after a refusal that may concern the company or the whole app.
export const SECOND_LOOK_SECONDS = 60
// As long as the pause after a refused secret: only a person can mend either.
export const HALT_SECONDS = 300
// A run that ends this soon after a refusal may have made its last call before it: writing a page takes 20 s at most.
const LAST_CALL_SECONDS = 30

/**
 * Intuit refuses a disconnected company and a misconfigured app with the same words. The company is blamed only once
 * another one has been read since the refusals began. When many are refused with none read in between, or all that
 * there are, it is the app.
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
