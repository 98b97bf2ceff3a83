import type { Knex } from 'knex'
import { LedgerError } from '../domain/ledger-error.ts'
import { Company } from '../models/company.ts'
import type { CompanyWords } from './versions/held-version.ts'

/**
 * What descriptions of a company's records need to know about it.
 *
 * @throws LedgerError `not_found`.
 */
export async function readCompanyWords(knex: Knex, realmId: string): Promise<CompanyWords> {
  const company = await Company.query(knex).findById(realmId)
  if (!company) throw new LedgerError('not_found', `no company ${realmId} is registered`)
  return companyWords(company)
}

export function companyWords({
  homeCurrency,
  timeZone,
}: Pick<Company, 'homeCurrency' | 'timeZone'>): CompanyWords {
  return { homeCurrency, dayOf: (moment) => dayIn(timeZone ?? QUICKBOOKS_TIME_ZONE, moment) }
}

// QuickBooks' own zone: its times carry Pacific offsets, and not every company reports a zone.
const QUICKBOOKS_TIME_ZONE = 'America/Los_Angeles'

/** A zone that does not exist counts as unknown. The Swedish locale writes dates as ISO 8601 does. */
function dayIn(timeZone: string, moment: Date): string {
  try {
    return formatIn(timeZone).format(moment)
  } catch {
    return formatIn(QUICKBOOKS_TIME_ZONE).format(moment)
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Creating one takes longer than formatting a page of days, and there are a few hundred zones at most. */
function formatIn(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone })
  formats.set(timeZone, format)
  return format
}
