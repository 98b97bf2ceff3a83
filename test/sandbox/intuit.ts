import type { CompanySpec, Sandbox } from '../../src/sandbox/sandbox.ts'
import { startSandbox } from '../../src/sandbox/sandbox.ts'

export const REALM = '4620816300000000001'

/** A simulator with one company, a clock that stands until it is moved, and a client that has a token. */
export interface Intuit {
  sandbox: Sandbox
  books: ReturnType<Sandbox['books']>
  clock: { ms: number }
  get(path: string): Promise<Reply>
  query(statement: string): Promise<Reply>
  cdc(entities: string, changedSince: string): Promise<Reply>
  post(path: string, body: string): Promise<Reply>
  refresh(refreshToken: string): Promise<Reply>
}

export interface Reply {
  status: number
  headers: Headers
  text: string
  json: unknown
}

export const START_MS = Date.parse('2026-11-22T15:15:02.318Z')
export const BASIC = `Basic ${Buffer.from('client:secret').toString('base64')}`

export function company(spec: Partial<CompanySpec> = {}): CompanySpec {
  return {
    realmId: REALM,
    name: 'Alder & Finch',
    records: 0,
    homeCurrency: 'USD',
    multiCurrency: false,
    country: 'USA',
    lively: false,
    ...spec,
  }
}

export async function startIntuit(
  spec: Partial<CompanySpec> = {},
  directory: string | null = null,
  clock = { ms: START_MS },
): Promise<Intuit> {
  const sandbox = await startSandbox({
    port: 0,
    directory,
    now: () => clock.ms,
    seed: 7,
    companies: [company(spec)],
    clientId: 'client',
    clientSecret: 'secret',
    activityIntervalMs: null,
  })
  const refresh = (refreshToken: string) =>
    request(sandbox.tokenUrl, {
      method: 'POST',
      headers: { Authorization: BASIC, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }).toString(),
    })
  const { json } = await refresh(sandbox.companies()[0]?.refreshToken ?? '')
  const { access_token: token } = json as { access_token: string }
  sandbox.calls.clear()
  const base = `${sandbox.apiBaseUrl}/v3/company/${REALM}`
  const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json' }
  const get = (path: string) => request(`${base}/${path}`, { headers })
  return {
    sandbox,
    books: sandbox.books(REALM),
    clock,
    get,
    query: (statement) => get(`query?query=${encodeURIComponent(statement)}`),
    cdc: (entities, changedSince) =>
      get(`cdc?entities=${entities}&changedSince=${encodeURIComponent(changedSince)}`),
    post: (path, body) => request(`${base}/${path}`, { method: 'POST', headers, body }),
    refresh,
  }
}

export async function request(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, { redirect: 'manual', ...init })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

/** The rows of a query's answer. */
export function rowsOf(reply: Reply, entity: string): { Id: string; [key: string]: unknown }[] {
  const { QueryResponse } = reply.json as { QueryResponse: Record<string, { Id: string }[]> }
  return QueryResponse[entity] ?? []
}

export function idsOf(reply: Reply, entity: string): string[] {
  return rowsOf(reply, entity).map(({ Id }) => Id)
}

/** The groups of a CDC answer. */
export function groupsOf(reply: Reply): Record<string, unknown>[] {
  const { CDCResponse } = reply.json as { CDCResponse: { QueryResponse: Record<string, unknown>[] }[] }
  return CDCResponse[0]?.QueryResponse ?? []
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
