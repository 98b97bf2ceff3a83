import type { Database } from '../db/database.ts'
import { Company } from '../models/company.ts'
import { linkTo, type Address } from './address.ts'
import { companyPath } from './entities.ts'
import { html, type Markup } from './html.ts'
import type { Column } from './parts/table.ts'

export interface Client {
  readonly realmId: string
  readonly name: string | null
}

/** What a company is called, also before QuickBooks has told its name. */
export function clientName({ realmId, name }: Client): string {
  return name ?? `Company ${realmId}`
}

export function clientLink(client: Client, address: Address): Markup {
  return html`<a href="${linkTo(address, companyPath(client.realmId))}">${clientName(client)}</a>`
}

/** The names of companies by realm id. */
export async function readClientNames(
  { knex }: Database,
  realmIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const companies = await Company.query(knex)
    .select('realm_id', 'name')
    .whereIn('realm_id', [...new Set(realmIds)])
  return new Map(companies.map((company) => [company.realmId, clientName(company)]))
}

/** The column of a table over several companies that leads to each. */
export function clientColumn<Row extends { readonly realmId: string }>(
  names: ReadonlyMap<string, string>,
  address: Address,
): Column<Row> {
  return {
    label: 'Client',
    cell: ({ realmId }) => clientLink({ realmId, name: names.get(realmId) ?? null }, address),
  }
}
