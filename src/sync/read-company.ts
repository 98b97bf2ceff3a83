import { fenced } from './fenced.ts'
import type { Run } from './run.ts'
import { noteAnswer } from './run-progress.ts'

/** Reads the company's own record and keeps it, but not over what the firm has set. @returns the answer's `time`. */
export async function readCompany(run: Run): Promise<Date> {
  const info = await run.reader.companyInfo()
  noteAnswer(run, info.observedAt)
  const { homeCurrency } = await run.reader.preferences()
  run.homeCurrency = homeCurrency ?? run.homeCurrency
  await fenced(run, async (tx) => {
    await tx.trx.raw(
      `UPDATE companies
          SET name = CASE WHEN 'name' = ANY (set_by_firm) THEN name ELSE coalesce(:name, name) END,
              time_zone = CASE WHEN 'time_zone' = ANY (set_by_firm) THEN time_zone ELSE coalesce(:timeZone, time_zone) END,
              country = coalesce(:country, country), home_currency = coalesce(:homeCurrency, home_currency)
        WHERE realm_id = :realmId`,
      { ...info, homeCurrency: run.homeCurrency, realmId: run.realmId },
    )
  })
  return info.observedAt
}
