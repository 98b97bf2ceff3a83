import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { insertBill, insertSyncedCompany } from '../http/rows.ts'
import { openConsole, type OpenConsole } from './open-console.ts'
import { addressOf, pathsOf } from './paths-of.ts'

let http: OpenConsole

beforeAll(async () => {
  http = await openConsole()
  await insertSyncedCompany(http.knex, '1')
  await insertBill(http.knex, '1', '1')
})

afterAll(() => http.close())

const isAsset = (path: string) => path.startsWith('/console/assets/')

test('nobody who is not signed in sees a page or does anything', async () => {
  const pages = pathsOf(http.app, 'get').filter((path) => !isAsset(path))
  expect(pages.length).toBeGreaterThan(20)
  for (const path of pages) {
    const { status, headers } = await request(http.app).get(addressOf(path))
    expect([path, status, headers['location']?.split('?')[0]]).toEqual([path, 303, '/login'])
  }
  for (const path of pathsOf(http.app, 'post').filter((path) => path !== '/logout')) {
    const { status } = await request(http.app).post(addressOf(path)).set('Sec-Fetch-Site', 'same-origin')
    expect([path, status]).toEqual([path, 401])
  }
})

test('no page is answered by what was not meant', async () => {
  for (const path of pathsOf(http.app, 'get').filter((path) => !isAsset(path))) {
    const { status } = await http.see(addressOf(path))
    expect([path, [200, 303, 400, 404].includes(status)]).toEqual([path, true])
  }
})

const HOSTILE = [
  '?asOf=yesterday',
  '?asOf=0000-00-00T00:00:00Z',
  '?sourceAsOf=2026-13-01T00:00:00Z',
  '?asOf=2026-01-01T00:00:00Z&asOf=2026-01-02T00:00:00Z',
]

describe('a clear refusal', () => {
  test.each(HOSTILE)('of %s on every page of books', async (query) => {
    const pages = pathsOf(http.app, 'get').filter((path) =>
      /^\/console\/(companies|changes|search)|^\/console$/.test(path),
    )
    for (const path of pages) {
      const { status, text } = await http.see(addressOf(path) + query)
      expect([path, status]).toEqual([path, 400])
      expect(text).toContain('This address says something that cannot be')
    }
  })

  test.each([
    '/console/companies/1%00/bills',
    '/console/companies/%E0%A4%A/bills',
    '/console/companies/../../etc/passwd',
    '/console/companies/1/bills?limit=0',
    '/console/companies/1/bills?limit=100000',
    '/console/companies/1/bills?cursor=AAAA',
    '/console/companies/1/bills?sort=raw',
    '/console/companies/1/bills?unheardOf=1',
    '/console/companies/1/bills/1?cursor=%27',
    '/console/companies/1/bills/1/compare?from=1',
    '/console/changes?within=aeon',
    '/console/changes?run=1e9',
    '/console/changes?minAmount=NaN',
    '/console?columns=all',
    '/console?page=0',
    '/console?sort=raw',
    `/console/search?q=${'x'.repeat(101)}`,
    '/console/search?q=%00',
    '/console/moment?back=//evil.example&at=2026-01-01T00:00&zone=UTC&clock=ours',
  ])('of %s', async (path) => {
    const { status, text } = await http.see(path)
    expect([400, 404]).toContain(status)
    expect(text).not.toMatch(/at \w+ \(|node_modules|SELECT/)
  })
})
