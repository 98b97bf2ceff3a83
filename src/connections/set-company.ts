import type { Database, Tx } from '../db/database.ts'
import { Company, type SetByFirm } from '../models/company.ts'
import { unknownCompany } from './change-status.ts'

/** What the firm sets for a company; absent fields stay as they are. */
export interface CompanySettings {
  /** Null: QuickBooks' own value again, from the next complete listing on. */
  readonly name?: string | null | undefined
  readonly timeZone?: string | null | undefined
  readonly tags?: readonly string[] | undefined
  /** Null: four thirds of the interval. */
  readonly maxLagMinutes?: number | null | undefined
}

/** @throws LedgerError `not_found`. */
export async function setCompany(
  database: Database,
  realmId: string,
  settings: CompanySettings,
): Promise<void> {
  await database.transaction(async (tx) => {
    const company = await Company.query(tx.trx).findById(realmId).forUpdate()
    if (!company) throw unknownCompany(realmId)
    await keep(tx, company, settings)
  })
}

async function keep({ trx }: Tx, company: Company, settings: CompanySettings): Promise<void> {
  const { name, timeZone, tags, maxLagMinutes } = settings
  await Company.query(trx)
    .findById(company.realmId)
    .patch({
      ...(typeof name === 'string' && { name }),
      ...(typeof timeZone === 'string' && { timeZone }),
      ...(tags !== undefined && { tags: [...tags] }),
      ...(maxLagMinutes !== undefined && { maxLagMinutes }),
      setByFirm: setBy(company.setByFirm, { name, time_zone: timeZone }),
    })
}

function setBy(
  before: readonly SetByFirm[],
  said: Readonly<Record<SetByFirm, string | null | undefined>>,
): SetByFirm[] {
  const columns = Object.keys(said) as SetByFirm[]
  return columns.filter((column) =>
    said[column] === undefined ? before.includes(column) : said[column] !== null,
  )
}
