import { afterEach, describe, expect, test } from '@jest/globals'
import type { CompanySpec } from '../../src/sandbox/sandbox.ts'
import { company, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { expectAtRest, expectSound } from './invariants.ts'

// Each of its invoices weighs 47 kB, all of them more than is read at once.
const LONG_INVOICES: Partial<CompanySpec> = { records: 700, linesPerInvoice: 200, lively: false }

let mirror: TestMirror

afterEach(async () => {
  await expectSound(mirror)
  await mirror.close()
})

describe('a company whose pages are too heavy', () => {
  test('is mirrored, and the next listing begins where this one has learnt to', async () => {
    await start(LONG_INVOICES)
    await expectOk()
    const [first, ...others] = asked('Invoice')
    expect(first).toBe(1_000)
    expect(others.length).toBeGreaterThan(1)
    const [kept] = await keptRows('invoice')
    expect(kept).toBeLessThan(200)
    expect(await keptRows('bill')).toEqual([null])
    mirror.sandbox.calls.clear()
    await expectOk('full')
    expect(asked('Invoice')[0]).toBe(kept)
    expect(asked('Bill')).toEqual([1_000])
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })

  test('has its changes listed where they are too heavy for one answer', async () => {
    await start(LONG_INVOICES)
    await expectOk()
    mirror.clock.move({ minutes: 15 })
    const books = mirror.sandbox.books(REALM)
    for (const { Id } of books.records('Invoice')) books.touch('Invoice', Id)
    mirror.sandbox.calls.clear()
    await expectOk()
    const operations = mirror.sandbox.calls.list().map(({ operation }) => operation)
    // All together, then each of the five alone.
    expect(operations.filter((operation) => operation === 'cdc')).toHaveLength(6)
    // Once more while the overlap still shows it all, then past it.
    mirror.clock.move({ minutes: 6 })
    await expectOk()
    mirror.clock.move({ minutes: 15 })
    await expectAtRest(mirror)
  })
})

test('what a page was too much for is kept although its entity fails, and the next one goes on from it', async () => {
  await start({ records: 300 })
  mirror.sandbox.faults.add({
    kind: 'gatewayTimeout6002',
    entity: 'Bill',
    operation: 'query',
    moreThanRows: 20,
  })
  mirror.sandbox.faults.add({ kind: 'gatewayTimeout6002', entity: 'Bill', operation: 'query', times: 3 })
  expect(await mirror.sync()).toMatchObject({ kind: 'finished', status: 'partial' })
  expect(asked('Bill')).toEqual([1_000, 250, 62])
  expect(await keptRows('bill')).toEqual([25])
  mirror.sandbox.calls.clear()
  await expectOk()
  expect(asked('Bill')[0]).toBe(25)
  mirror.sandbox.faults.clear()
  mirror.clock.move({ minutes: 15 })
  await expectAtRest(mirror)
})

async function start(spec: Partial<CompanySpec>): Promise<void> {
  mirror = await startMirror({ companies: [company(spec)] })
}

async function expectOk(mode: 'incremental' | 'full' = 'incremental'): Promise<void> {
  expect(await mirror.sync(REALM, { mode })).toMatchObject({ kind: 'finished', status: 'succeeded' })
}

/** Rows that pages of a listing asked for, in order. */
function asked(entity: string): number[] {
  return mirror.sandbox.calls
    .list()
    .filter(
      (call) => call.operation === 'query' && call.entity === entity && /orderby/i.test(call.query ?? ''),
    )
    .map(({ query }) => Number(/MAXRESULTS (\d+)/i.exec(query ?? '')?.[1]))
}

async function keptRows(entity: string): Promise<(number | null)[]> {
  const rows = await mirror.rows<{ rows: number | null }>(
    'SELECT page_rows AS rows FROM sync_states WHERE realm_id = :realmId AND entity = :entity',
    { realmId: REALM, entity },
  )
  return rows.map(({ rows: count }) => count)
}
