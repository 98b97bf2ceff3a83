import type { Request } from 'express'

/** Where a page is: its path, and its state in the query. */
export interface Address {
  readonly path: string
  readonly query: URLSearchParams
}

/** Null takes a parameter out. */
export type Changes = Readonly<Record<string, string | number | boolean | null>>

export function addressOf(request: Request): Address {
  const { pathname, searchParams } = new URL(request.originalUrl, 'http://localhost')
  return { path: pathname, query: searchParams }
}

/** The same page in another state. A change other than of the page within a list begins at its first page. */
export function changed({ path, query }: Address, changes: Changes): string {
  const next = new URLSearchParams(query)
  if (!('cursor' in changes)) next.delete('cursor')
  return withQuery(path, applied(next, changes))
}

/** Another page, at the same moment of the books. */
export function linkTo({ query }: Address, path: string, changes: Changes = {}): string {
  const kept = new URLSearchParams()
  for (const name of MOMENT_PARAMS) {
    const value = query.get(name)
    if (value !== null) kept.set(name, value)
  }
  return withQuery(path, applied(kept, changes))
}

/** These go from page to page, so that a reader stays at the moment chosen. */
export const MOMENT_PARAMS = ['asOf', 'sourceAsOf'] as const

function applied(query: URLSearchParams, changes: Changes): URLSearchParams {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') query.delete(name)
    else query.set(name, String(value))
  }
  return query
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}
