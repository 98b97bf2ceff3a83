import type { Request, Response } from 'express'
import { stringify } from 'csv-stringify/sync'
import { addRoute } from '../http/request/route.ts'
import { changed, type Address } from './address.ts'
import type { Pages } from './pages.ts'

/** A table as a spreadsheet takes it. */
export interface Sheet {
  /** Of the file, without its ending. */
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | boolean | null)[])[]
  /** Where rows were left out: what is said at the end, so that nobody takes a part for the whole. */
  readonly cutNote?: string | null
}

// What a spreadsheet opens without trouble, and a person still reads.
export const MOST_ROWS = 10_000

/** The address of a view as a file: the same path and state with `.csv`. */
export function csvPath(address: Address): string {
  return changed({ ...address, path: sheetPath(address.path) }, { cursor: null, limit: null, page: null })
}

/** Within `/console/`, like every page that asks for a session. */
function sheetPath(path: string): string {
  return path === '/console' ? '/console/clients.csv' : `${path}.csv`
}

/** A view as a file. Texts that a spreadsheet would take for formulas are escaped. */
export function addSheet(
  { router }: Pages,
  path: string,
  read: (request: Request, response: Response) => Promise<Sheet>,
): void {
  addRoute(router, sheetPath(path), {
    get: async (request, response) => {
      const { name, columns, rows, cutNote } = await read(request, response)
      const lines = [columns, ...rows, ...(cutNote ? [[cutNote]] : [])]
      response
        .type('text/csv; charset=utf-8')
        .attachment(`${name.replace(/[^\w. -]+/g, '-')}.csv`)
        .send(
          stringify(lines, {
            bom: true,
            escape_formulas: true,
            cast: { boolean: String, string: plainAmounts },
          }),
        )
    },
  })
}

/** A negative amount begins like a formula and is none. */
function plainAmounts(text: string) {
  return AMOUNT.test(text) ? { value: text, escape_formulas: false } : text
}

const AMOUNT = /^-?\d+(?:\.\d+)?$/
