import type { IRouter } from 'express'
import { z } from 'zod'
import { readCompanies, type ShownCompany } from '../../books/read-companies.ts'
import type { HttpOptions } from '../options.ts'
import { cursorOf, page } from '../request/cursor.ts'
import { INTUIT_ID_DIGITS, limit } from '../request/fields.ts'
import { addRoute } from '../request/route.ts'
import { readQuery } from '../request/validate.ts'

// A name of its own: /admin/companies is another list.
const LIST = 'api/companies'
export const COMPANY_LIST_QUERY = z.strictObject({ limit, cursor: cursorOf(LIST, INTUIT_ID_DIGITS) })

export function addCompanyList(router: IRouter, options: HttpOptions): void {
  addRoute(router, '/api/companies', {
    get: async (request, response) => {
      const query = readQuery(request, COMPANY_LIST_QUERY)
      const companies = await readCompanies(options, { after: query.cursor, limit: query.limit + 1 })
      const keyOf = ({ realmId }: ShownCompany) => realmId
      response.json(page(companies, { list: LIST, limit: query.limit, keyOf }, (company) => company))
    },
  })
}
