import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { cursorAfter } from '../../src/http/request/cursor.ts'
import { ADMIN_TOKEN, openHttp, type OpenHttp } from './open-http.ts'
import { listenRaw, type RawServer } from './raw.ts'
import {
  insertBalance,
  insertBill,
  insertInvoice,
  insertReject,
  insertRun,
  insertSyncedCompany,
} from './rows.ts'

let http: OpenHttp
let raw: RawServer

beforeAll(async () => {
  http = await openHttp()
  for (const realmId of ['1', '2']) {
    await insertSyncedCompany(http.knex, realmId)
    await insertRun(http.knex, realmId)
    await insertReject(http.knex, realmId)
    await insertBill(http.knex, realmId, '1')
    await insertBill(http.knex, realmId, '2')
    await insertInvoice(http.knex, realmId, '1')
    await insertBalance(http.knex, realmId, '1')
  }
  raw = await listenRaw(http.app, http.options.log)
})

afterAll(async () => {
  await raw.close()
  await http.close()
})

async function ask(
  method: string,
  path: string,
  body?: string,
): Promise<{
  status: number
  json: { code?: string; errors?: { field: string }[]; nextCursor?: string | null }
}> {
  const answer = await fetch(`http://127.0.0.1:${raw.port}${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  })
  return { status: answer.status, json: (await answer.json()) as Awaited<ReturnType<typeof ask>>['json'] }
}

const OF_ALL = [
  'limit',
  'cursor',
  'includeDeleted',
  'sort',
  'asOf',
  'sourceAsOf',
  'currency',
  'changedSince',
] as const
const DOCUMENTS = [
  ...OF_ALL,
  'status',
  'dueFrom',
  'dueTo',
  'dueBefore',
  'dueAfter',
  'txnFrom',
  'txnTo',
  'counterparty',
  'counterpartyId',
  'docNumber',
  'minBalance',
  'expand',
] as const

const LISTS = {
  '/admin/companies': ['limit', 'cursor', 'status', 'late', 'search'],
  '/admin/companies/1/rejects': ['limit', 'cursor', 'resolved'],
  '/admin/sync/runs': ['limit', 'cursor', 'realmId', 'status', 'since'],
  '/api/companies': ['limit', 'cursor'],
  '/api/companies/1/bills': DOCUMENTS,
  '/api/companies/1/invoices': DOCUMENTS,
  '/api/companies/1/balances': [...OF_ALL, 'minBalance'],
  '/api/companies/1/vendors': [...OF_ALL, 'counterparty'],
  '/api/companies/1/customers': [...OF_ALL, 'counterparty'],
} as const

// At the edges of what dates, numbers, texts and SQL can be; some of it is even right.
const EDGES = [
  '',
  ' ',
  '\u0000',
  '\u202e',
  '\u{1f4a9}',
  "'",
  "' OR 1=1 --",
  '1; SELECT pg_sleep(9)',
  '$1',
  '?',
  ':realmId',
  '%',
  '../../etc/passwd',
  '..%2f',
  'null',
  'undefined',
  'NaN',
  'Infinity',
  '-0',
  '1e308',
  '0x7fffffff',
  '2147483648',
  '9223372036854775808',
  '9'.repeat(32),
  'true',
  '[object Object]',
  '0000-01-01',
  '0001-01-01',
  '9999-12-31',
  '2026-02-29',
  '2026-13-01',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+14:00',
  '9999-12-31T23:59:59-14:00',
  '2026-01-01T24:00:00Z',
  '2016-12-31T23:59:60Z',
  '2026-01-01T00:00:00.123456789123456789Z',
]

const text = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
)

// Replayed by the seed that a failure prints.
const RUNS = { numRuns: 400, seed: 20_261_123 }

describe('any value', () => {
  test('of any parameter of a list is right or refused by its name', async () => {
    const places = Object.entries(LISTS).flatMap(([path, names]) => names.map((name) => ({ path, name })))
    for (const { path, name } of places) {
      for (const edge of EDGES) await expectRightOrNamed(path, name, edge)
    }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), text, ({ path, name }, value) =>
        expectRightOrNamed(path, name, value),
      ),
      RUNS,
    )
  })

  /** At most moments of the past the mirror held nothing yet, and says so. */
  function isRight(name: string, { status, json }: Awaited<ReturnType<typeof ask>>): boolean {
    return status === 200 || (name === 'asOf' && status === 409 && json.code === 'never_synced')
  }

  async function expectRightOrNamed(path: string, name: string, value: string): Promise<void> {
    const answer = await ask('GET', `${path}?${name}=${encodeURIComponent(value.toWellFormed())}`)
    const named = answer.json.errors?.map(({ field }) => field) ?? []
    expect([path, name, value, answer.status, named]).toEqual([
      path,
      name,
      value,
      ...(isRight(name, answer) ? [answer.status, []] : [400, [name]]),
    ])
  }

  test('of any part of an address is found, not found or refused', async () => {
    const parts = fc.constantFrom(
      (part: string) => `/admin/companies/${part}`,
      (part: string) => `/admin/companies/${part}/rejects`,
      (part: string) => `/admin/sync/runs/${part}`,
      (part: string) => `/api/companies/${part}/bills`,
      (part: string) => `/api/companies/1/invoices/${part}`,
      (part: string) => `/${part}`,
    )
    await fc.assert(
      fc.asyncProperty(parts, text, async (pathOf, part) => {
        const { status } = await ask('GET', pathOf(encodeURIComponent(part.toWellFormed())))
        expect([200, 400, 404]).toContain(status)
      }),
      RUNS,
    )
  })

  test('of any field of a body is taken or refused by a name', async () => {
    const fields = ['refreshToken', 'accessToken', 'accessTokenExpiresAt', 'name', 'mode', '__proto__', '']
    const value = fc.oneof(text, fc.jsonValue({ maxDepth: 3, noUnicodeString: false }))
    const body = fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 4, noNullPrototype: true })
    const places = fc.constantFrom(
      ['PUT', '/admin/companies/3'],
      ['POST', '/admin/sync'],
      ['POST', '/admin/sync/1'],
      ['POST', '/admin/companies/1/pause'],
      ['POST', '/admin/companies/1/resume'],
      ['POST', '/admin/companies/1/rejects/retry'],
    )
    await fc.assert(
      fc.asyncProperty(places, body, async ([method = '', path = ''], sent) => {
        const { status, json } = await ask(method, path, JSON.stringify(sent))
        expect([200, 201, 202, 400, 409]).toContain(status)
        if (status === 400) expect(json.errors!.length).toBeGreaterThan(0)
      }),
      RUNS,
    )
  })

  test('never ends in a word at error level', () => {
    expect(http.logLines.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('a cursor that was tampered with', () => {
  test('is refused, whichever character of it was changed, taken away or added', async () => {
    const { json } = await ask('GET', '/api/companies/1/bills?limit=1')
    const cursor = json.nextCursor!
    expect((await ask('GET', `/api/companies/1/bills?cursor=${cursor}`)).status).toBe(200)
    const tampered = [...cursor].flatMap((letter, at) => {
      const other = letter === 'A' ? 'B' : 'A'
      return [cursor.slice(0, at) + other + cursor.slice(at + 1), cursor.slice(0, at) + cursor.slice(at + 1)]
    })
    for (const wrong of [...tampered, `${cursor}A`, `${cursor}=`, ` ${cursor}`, cursor.repeat(2)]) {
      const answer = await ask('GET', `/api/companies/1/bills?cursor=${encodeURIComponent(wrong)}`)
      expect([wrong, answer.status]).toEqual([wrong, 400])
    }
  })

  test('or is of another list is refused by every list', async () => {
    const lists = ['companies', 'rejects', 'runs', 'bills', 'invoices', 'balances']
    for (const path of Object.keys(LISTS)) {
      for (const list of lists.filter((name) => !path.endsWith(name))) {
        expect((await ask('GET', `${path}?cursor=${cursorAfter(list, 1)}`)).status).toBe(400)
      }
    }
  })
})

test.each(['%FF', '%ZZ', '1%', '%E0%A4', '%ED%A0%80'])(
  'a value that cannot be decoded, %s, is refused by its field and not searched for',
  async (value) => {
    for (const field of ['counterparty', 'docNumber', 'unheardOf']) {
      const { status, json } = await ask('GET', `/api/companies/1/bills?limit=1&${field}=${value}`)
      expect([status, json.errors]).toEqual([400, [{ field, message: 'is not percent-encoded UTF-8' }]])
    }
  },
)
