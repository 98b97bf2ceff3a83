import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { insertBalance, insertBill, insertInvoice, insertRun, insertSyncedCompany } from '../http/rows.ts'
import { openConsole, textOf, type OpenConsole } from './open-console.ts'
import { addressOf, pathsOf } from './paths-of.ts'

let http: OpenConsole
/** Each page with the parameters that it says to know. */
let pages: readonly { readonly path: string; readonly fields: readonly string[] }[]

beforeAll(async () => {
  http = await openConsole()
  await insertSyncedCompany(http.knex, '1')
  await insertBill(http.knex, '1', '1')
  await insertInvoice(http.knex, '1', '1')
  await insertBalance(http.knex, '1', '1')
  await insertRun(http.knex, '1')
  const paths = pathsOf(http.app, 'get').filter((path) => !path.startsWith('/console/assets/'))
  pages = await Promise.all(
    paths.map(async (path) => ({ path: addressOf(path), fields: await fieldsOf(addressOf(path)) })),
  )
})

afterAll(() => http.close())

const UNHEARD_OF = 'unheardOf'

/** A page that is asked for something it does not know tells what it knows. */
async function fieldsOf(path: string): Promise<string[]> {
  const { text } = await http.see(`${path}?${UNHEARD_OF}=1`)
  const known = /known fields are ([\w, ]+)/.exec(textOf(text))?.[1] ?? ''
  return known.split(', ').filter((name) => name !== '')
}

// What no field of any page can be, as it stands in an address.
const HOSTILE: Readonly<Record<string, string>> = {
  'a text of 5,000 characters': 'x'.repeat(5_000),
  'a number of 5,000 digits': '9'.repeat(5_000),
  'a null byte': '%00',
  'an escape character': '1%1b[2J',
  'a line break': '1%0d%0aSet-Cookie:%20a=b',
  'bytes that are no UTF-8': '%FF%FE',
  'a surrogate in UTF-8': '%ED%A0%80',
  'a text that ends within a character': '%E0%A4',
  'a percent sign before no digits': '%ZZ',
  'an address that ends within an escape': '1%',
}

async function expectRefusal(address: string): Promise<void> {
  const { status, headers, text } = await http.see(address)
  const shown = address.slice(0, 120)
  expect([shown, status]).toEqual([shown, 400])
  expect([shown, headers['content-type']]).toEqual([shown, 'text/html; charset=utf-8'])
  expect(text).toContain('This address says something that cannot be')
  expect(text).not.toMatch(/at \w+ \(|node_modules|SELECT|\u0000|\u001b/)
}

// One shows queues and the other the steps of a run; the third leads to a moment, and names what is missing first.
const WITHOUT_FIELDS = ['/admin/queues', '/console/companies/1/progress', '/console/moment']

test('every other page tells which parameters it knows', () => {
  const silent = pages.filter(({ fields }) => fields.length === 0).map(({ path }) => path)
  expect(silent.toSorted()).toEqual(WITHOUT_FIELDS)
})

describe('every parameter of every page is refused with', () => {
  test.each(Object.keys(HOSTILE))('%s', async (what) => {
    for (const { path, fields } of pages)
      for (const field of fields) await expectRefusal(`${path}?${field}=${HOSTILE[what]}`)
  })

  test('two values', async () => {
    for (const { path, fields } of pages)
      for (const field of fields) await expectRefusal(`${path}?${field}=1&${field}=2`)
  })

  test('another type than text', async () => {
    for (const { path, fields } of pages)
      for (const field of fields)
        for (const form of [`${field}[]=1`, `${field}[a]=1`]) await expectRefusal(`${path}?${form}`)
  })
})

describe('every page refuses', () => {
  test.each([
    'unheardOf=1',
    '__proto__=1',
    'constructor=1',
    'toString=1',
    `${'x'.repeat(5_000)}=1`,
    '%00=1',
    '%FF=1',
    '%ZZ=1',
    '=1',
  ])('what is asked by %s', async (query) => {
    for (const { path } of pages) await expectRefusal(`${path}?${query}`)
  })
})

const MOMENT = { back: '/console', at: '2026-01-01T00:00', zone: 'UTC', clock: 'ours' }

test('the form that leads to a moment refuses the same in each of its fields', async () => {
  const address = (fields: Readonly<Record<string, string>>) =>
    `/console/moment?${Object.entries(fields)
      .map(([name, value]) => `${name}=${value}`)
      .join('&')}`
  expect((await http.see(address(MOMENT))).status).toBe(303)
  for (const field of Object.keys(MOMENT))
    for (const value of [...Object.values(HOSTILE), `1&${field}=2`])
      await expectRefusal(address({ ...MOMENT, [field]: value }))
})
