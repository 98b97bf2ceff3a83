import type { Request } from 'express'
import { z } from 'zod'
import { COMPANY_STATUSES } from '../../domain/company.ts'
import { Company } from '../../models/company.ts'
import type { HttpOptions } from '../options.ts'
import { cursorOf, listOf, page } from '../request/cursor.ts'
import { INTUIT_ID_DIGITS, limit, oneOf, plainText } from '../request/fields.ts'
import { readQuery } from '../request/validate.ts'
import { showCompanies, type OperatedCompany } from './show-company.ts'

type Options = Pick<HttpOptions, 'database' | 'intervalSeconds'>

/** What companies can be filtered by. */
export const COMPANY_FILTERS = {
  status: oneOf(COMPANY_STATUSES).optional(),
  late: oneOf(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  search: plainText(100).optional(),
}

type CompanyFilters = z.output<z.ZodObject<typeof COMPANY_FILTERS>>

/** The parameters of one list of companies. */
export function companiesQuery(list: string) {
  return z.strictObject({ ...COMPANY_FILTERS, limit, cursor: cursorOf(list, INTUIT_ID_DIGITS) })
}

/** A page of the companies that a request asks for, by realm id. */
export async function listCompanies(options: Options, request: Request) {
  const list = listOf(request, 'companies')
  const query = readQuery(request, companiesQuery(list))
  const shown = await findCompanies(options, query, query.limit + 1)
  const keyOf = ({ realmId }: OperatedCompany) => realmId
  return page(shown, { list, limit: query.limit, keyOf }, (company) => company)
}

// Late companies are rare, so that finding a page of them looks at most at every company, in few steps.
const LEAST_LOOKED_AT = 200

/**
 * Lateness is judged where a company is shown, by its promise and every entity: a second rule in SQL would one day say
 * something else.
 */
async function findCompanies(
  options: Options,
  query: CompanyFilters & { readonly cursor: string | null },
  most: number,
): Promise<OperatedCompany[]> {
  const found: OperatedCompany[] = []
  const step = query.late === undefined ? most : Math.max(most, LEAST_LOOKED_AT)
  for (let after = query.cursor ?? ''; ;) {
    const companies = await readAfter(options, query, after, step)
    const shown = await showCompanies(options, companies)
    found.push(...shown.filter(({ late }) => query.late === undefined || late === query.late))
    if (found.length >= most || companies.length < step) return found.slice(0, most)
    after = companies.at(-1)!.realmId
  }
}

async function readAfter(
  { database }: Options,
  { status, search }: CompanyFilters,
  after: string,
  most: number,
): Promise<Company[]> {
  const companies = Company.query(database.knex).where('realm_id', '>', after).orderBy('realm_id').limit(most)
  if (status !== undefined) void companies.where('status', status)
  if (search !== undefined) {
    void companies.whereRaw('(realm_id = :search OR strpos(lower(name), lower(:search)) > 0)', { search })
  }
  return companies
}
