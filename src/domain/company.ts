/**
 * `active`: synced. `paused`: a person stopped it. `needs_reauth`: Intuit refuses its tokens. `unavailable`: its
 * QuickBooks subscription lapsed, tried once a day. `disconnected`: the connection was ended, the mirror stays.
 */
export const COMPANY_STATUSES = ['active', 'paused', 'needs_reauth', 'unavailable', 'disconnected'] as const

export type CompanyStatus = (typeof COMPANY_STATUSES)[number]

/** As people know it, and as programs do. */
export function nameCompany({
  name,
  realmId,
}: {
  readonly name: string | null
  readonly realmId: string
}): string {
  return name === null ? `company ${realmId}` : `${name} (${realmId})`
}

/** Statuses in which QuickBooks is called for a company. */
export const SYNCED_STATUSES: readonly CompanyStatus[] = ['active', 'unavailable']
