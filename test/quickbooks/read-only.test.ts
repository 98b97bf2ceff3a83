import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import { ENTITIES } from '../../src/domain/entity.ts'
import { startListing } from '../../src/quickbooks/listing-cursor.ts'
import { REALM } from './open-company.ts'
import { openSandbox, type OpenSandbox } from './open-sandbox.ts'

const ROOM = new URL('../../src/quickbooks/', import.meta.url)

/** Every method of node-quickbooks that this room may name: reads, and two calls about the tokens. */
const ALLOWED = [
  'changeDataCapture',
  'findAccounts',
  'findBills',
  'findCustomers',
  'findInvoices',
  'findVendors',
  'getCompanyInfo',
  'getPreferences',
  'refreshAccessToken',
  'revokeAccess',
]

describe('this room has no way to write to QuickBooks', () => {
  const sources = readdirSync(ROOM).map((name) => ({ name, text: readFileSync(new URL(name, ROOM), 'utf8') }))

  test('of the methods of node-quickbooks it names only those that read', () => {
    const library = createRequire(import.meta.url)('node-quickbooks') as { prototype: object }
    const methods = new Set(Object.keys(library.prototype))
    const named = sources
      .flatMap(({ text }) => text.match(/\b\w+\b/g) ?? [])
      .filter((word) => methods.has(word))
    expect(methods.size).toBeGreaterThan(150)
    expect([...new Set(named)].sort()).toEqual(ALLOWED)
  })

  test('only one file loads node-quickbooks, and none has another way out', () => {
    const loads = (pattern: RegExp) =>
      sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name)
    expect(loads(/\(\s*'(node-quickbooks|axios)'\s*\)/)).toEqual(['node-quickbooks.ts'])
    expect(loads(/^import (?!type )[^\n]* from '(node-quickbooks|axios)'/m)).toEqual([])
    expect(loads(/\bfetch\(|https?\.request\(|net\.connect\(/)).toEqual([])
  })

  describe('and the simulator sees none', () => {
    let opened: OpenSandbox
    beforeAll(async () => {
      opened = await openSandbox()
    })
    afterAll(() => opened.close())

    test('whatever is called', async () => {
      const { reader, sandbox } = opened
      for (const entity of ENTITIES) {
        const { page } = await reader.listPage(entity, startListing('created', null))
        await reader.listPage(entity, startListing('changed', page.observedAt))
        await reader.count(entity)
        await reader.byIds(
          entity,
          page.changes.map(({ qboId }) => qboId),
        )
      }
      await reader.changes(ENTITIES, new Date(sandbox.calls.list()[0]?.atMs ?? 0))
      await reader.companyInfo()
      await reader.preferences()
      const calls = sandbox.calls.list()
      expect(sandbox.writes()).toEqual([])
      expect(new Set(calls.map(({ method }) => method))).toEqual(new Set(['GET']))
      expect(new Set(calls.map(({ realmId }) => realmId))).toEqual(new Set([REALM]))
      expect(calls.length).toBe(5 * 4 + 3)
    })
  })
})
