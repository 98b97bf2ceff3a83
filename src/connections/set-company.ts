import type { Database, Tx } from '../db/database.ts'
import { Company, type SetByFirm } from '../models/company.ts'
import { unknownCompany } from './change-status.ts'
import { recordEvent, type Doer } from './record-event.ts'

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
  by: Doer,
): Promise<void> {
  await database.transaction(async (tx) => {
    const company = await Company.query(tx.trx).findById(realmId).forUpdate()
    if (!company) throw unknownCompany(realmId)
    await keep(tx, company, settings)
    const changes = changesOf(company, settings)
    if (Object.keys(changes).length === 0) return
    await recordEvent(tx, { realmId, kind: 'settings_changed', detail: changes }, by)
  })
}

/** Which settings become another, each with what it was. */
function changesOf(
  company: Company,
  settings: CompanySettings,
): Readonly<Record<string, { readonly from: unknown; readonly to: unknown }>> {
  const given = Object.entries(settings) as [keyof CompanySettings, unknown][]
  return Object.fromEntries(
    given
      .filter(([, to]) => to !== undefined)
      .map(([name, to]) => [name, { from: company[name], to }] as const)
      .filter(([, { from, to }]) => JSON.stringify(from) !== JSON.stringify(to)),
  )
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
