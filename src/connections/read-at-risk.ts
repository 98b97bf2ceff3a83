import { rowsOf, type Database } from '../db/database.ts'
import type { CompanyStatus } from '../domain/company.ts'
import type { ErrorCode } from '../domain/ledger-error.ts'
import { whatToDo } from '../domain/what-to-do.ts'

/** A connection that has ended, or that will if nobody does anything. */
export interface ConnectionAtRisk {
  readonly realmId: string
  readonly name: string | null
  readonly status: CompanyStatus
  /**
   * `ended`: Intuit refused it for good; `unused`: its refresh token comes to its end; `refused`: it cannot be used as
   * the service is set up.
   */
  readonly risk: Risk
  /** Of the failure; null of a token that is only unused. */
  readonly code: ErrorCode | null
  /** When it ends, or since when it has been of no use. */
  readonly endsAt: Date
  /** Whole days that the refresh token lives on unused, 0 when it is over; null where its end is not known. */
  readonly idleDaysLeft: number | null
  readonly whatToDo: string
}

type Risk = 'ended' | 'unused' | 'refused'

// A connection in use is renewed every hour and has close to 100 days left: one that has a month was left alone for ten
// weeks, and there is a month to do something about it.
const WARN_BEFORE_DAYS = 30
// Failures of the connection itself that leave the company active, because they are mended on our side.
const REFUSALS: readonly ErrorCode[] = ['token_unreadable', 'wrong_environment']

/** Connections of companies that are not disconnected, those that end first first. */
export async function readConnectionsAtRisk({ knex, clock }: Database): Promise<ConnectionAtRisk[]> {
  const now = clock.now()
  const rows = await rowsOf<RiskRow>(
    knex,
    `SELECT realm_id AS "realmId",
            name,
            status,
            risk,
            code,
            CASE risk
              WHEN 'ended' THEN status_changed_at
              WHEN 'refused' THEN failing_code_since
              ELSE refresh_token_expires_at
            END AS "endsAt",
            refresh_token_expires_at AS "idleUntil"
       FROM (SELECT c.realm_id,
                    c.name,
                    c.status,
                    c.status_changed_at,
                    coalesce(c.failing_code_since, c.failing_since, c.status_changed_at) AS failing_code_since,
                    t.refresh_token_expires_at,
                    CASE
                      WHEN c.status = 'needs_reauth' THEN 'ended'
                      WHEN c.failing_code = ANY (CAST(:refusals AS text[])) THEN 'refused'
                      WHEN t.refresh_token_expires_at < CAST(:warnUntil AS timestamptz) THEN 'unused'
                    END AS risk,
                    CASE
                      WHEN c.status = 'needs_reauth' THEN coalesce(c.status_code, 'needs_reauth')
                      WHEN c.failing_code = ANY (CAST(:refusals AS text[])) THEN c.failing_code
                    END AS code
               FROM companies c
               LEFT JOIN connections t ON t.realm_id = c.realm_id
              WHERE c.status <> 'disconnected') AS looked_at
      WHERE risk IS NOT NULL
      ORDER BY "endsAt", realm_id`,
    {
      refusals: [...REFUSALS],
      warnUntil: new Date(now.getTime() + WARN_BEFORE_DAYS * DAY_MS),
    },
  )
  return rows.map((row) => atRisk(row, now))
}

const DAY_MS = 86_400_000

type RiskRow = Omit<ConnectionAtRisk, 'idleDaysLeft' | 'whatToDo'> & { readonly idleUntil: Date | null }

function atRisk({ idleUntil, ...row }: RiskRow, now: Date): ConnectionAtRisk {
  const daysLeft = idleUntil === null ? null : Math.floor((idleUntil.getTime() - now.getTime()) / DAY_MS)
  return {
    ...row,
    idleDaysLeft: daysLeft === null ? null : Math.max(0, daysLeft),
    whatToDo: whatToDoAbout(row, row.endsAt <= now),
  }
}

function whatToDoAbout({ realmId, status, code }: Omit<RiskRow, 'idleUntil'>, isOver: boolean): string {
  if (code !== null) return whatToDo(code, { realmId, status })
  if (isOver) return whatToDo('needs_reauth', { realmId, status })
  if (status === 'paused') {
    return `Resume it before then, if only for one run, which renews the token: POST /admin/companies/${realmId}/resume.`
  }
  return `Find out why it is not read, since any run renews the token: GET /admin/companies/${realmId}.`
}
