import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'

import { ENTITIES, type Entity } from '../../src/domain/entity.ts'
import type { Change } from '../../src/domain/change.ts'
import { startListing, type ListingCursor } from '../../src/quickbooks/listing-cursor.ts'
import { REALM } from './open-company.ts'
import { openSandbox, type OpenSandbox } from './open-sandbox.ts'

const NAMES = {
  vendor: 'Vendor',
  customer: 'Customer',
  balance: 'Account',
  bill: 'Bill',
  invoice: 'Invoice',
} as const

let opened: OpenSandbox
beforeAll(async () => {
  opened = await openSandbox({ records: 9_000 })
})
afterEach(() => opened.sandbox.faults.clear())
afterAll(() => opened.close())

async function listAll(entity: Entity, by: ListingCursor['by']): Promise<Change[]> {
  const changes: Change[] = []
  let cursor: ListingCursor | null = startListing(by, null)
  while (cursor) {
    const listed: Awaited<ReturnType<OpenSandbox['reader']['listPage']>> = await opened.reader.listPage(
      entity,
      cursor,
    )
    expect(listed.page.rejects).toEqual([])
    changes.push(...listed.page.changes)
    cursor = listed.next
  }
  return changes
}

/** Payloads by id, to the letter. */
function textsOf(changes: readonly Change[]): Map<string, string> {
  return new Map(changes.map((change) => [change.qboId, change.kind === 'version' ? change.raw : '']))
}

function recordsOf(entity: Entity): Map<string, string> {
  const texts = opened.sandbox.books(REALM).recordsText(NAMES[entity])
  return new Map(texts.map((text) => [(JSON.parse(text) as { Id: string }).Id, text]))
}

describe.each(ENTITIES)('a listing of every %s', (entity) => {
  test.each(['created', 'changed'] as const)(
    'by when it was %s has each record to the letter, once',
    async (by) => {
      const changes = await listAll(entity, by)
      expect(textsOf(changes)).toEqual(recordsOf(entity))
      expect(changes.length).toBe(recordsOf(entity).size)
    },
  )
})

test('rows of one second in any order, and a row more than asked for, make no difference', async () => {
  opened.sandbox.faults.add({ kind: 'scrambleTies' })
  opened.sandbox.faults.add({ kind: 'limitPlusOne' })
  expect(textsOf(await listAll('bill', 'created'))).toEqual(recordsOf('bill'))
  expect(textsOf(await listAll('invoice', 'changed'))).toEqual(recordsOf('invoice'))
})

test('a page that ends early ends the listing: only a count can tell', async () => {
  opened.sandbox.faults.add({ kind: 'shortPage', rows: 1, times: 1 })
  const { page, next } = await opened.reader.listPage('bill', startListing('created', null))
  expect([page.changes.length, next]).toEqual([999, null])
})
