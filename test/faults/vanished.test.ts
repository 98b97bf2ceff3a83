import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { whatToDo } from '../../src/domain/what-to-do.ts'
import type { Books } from '../../src/sandbox/sandbox.ts'
import { dumpMirror } from '../setup/books.ts'
import { openHttp } from '../http/open-http.ts'
import { expectAtRest, expectSound } from '../sync/invariants.ts'
import {
  expectComplete,
  expectUndisturbed,
  leave,
  MINUTES,
  playHour,
  playUntilComplete,
  register,
  settle,
  TICK_SECONDS,
  totalOf,
} from './hour.ts'
import { startService, type Service } from './service.ts'

const KINDS = ['Bill', 'Invoice', 'Vendor', 'Customer', 'Account'] as const

let service: Service
let companies = 0
let all: string[]

beforeAll(async () => {
  service = await startService()
})

afterAll(() => service.close())

afterEach(async () => {
  await expectSound(service.mirror)
  await leave(service, all)
})

describe.each([
  ['of some hundred records', 200],
  ['with a handful of each kind of record', 12],
])('a company %s, all of which vanish at once', (_size, records) => {
  test('loses none of them here, a person is asked, and nobody else is late', async () => {
    const { mirror } = service
    companies += 1
    const realm = (which: number) => `46208163350${companies}${which}`
    const [emptied, ...others] = [realm(1), realm(2), realm(3), realm(4)] as [string, ...string[]]
    all = [emptied, ...others]
    await register(service, [emptied], records)
    await settle(service, all.slice(1))
    const books = mirror.sandbox.books(emptied)
    const before = await dumpMirror(mirror, emptied)
    expect(Object.keys(before).length).toBeGreaterThan(records / 2)

    const texts = emptyBooks(books)
    expect(KINDS.flatMap((kind) => books.records(kind))).toEqual([])
    await mirror.ask(emptied, { mode: 'full' })
    const hour = await playHour(service, { realmIds: others })

    expect(await dumpMirror(mirror, emptied)).toEqual(before)
    const entities = await mirror.rows(
      `SELECT entity, error_code AS code, error_failures AS failures, not_before AS waits
         FROM sync_states WHERE realm_id = :emptied ORDER BY entity`,
      { emptied },
    )
    // Each once, and not again for a day unless somebody asks.
    const sinceMs = mirror.clock.now().getTime() - (MINUTES - 1) * TICK_SECONDS * 1000
    const waits = new Date(sinceMs + 86_400_000)
    expect(entities).toEqual(
      ['balance', 'bill', 'customer', 'invoice', 'vendor'].map((entity) => ({
        entity,
        code: 'mass_disappearance',
        failures: 1,
        waits,
      })),
    )
    const labels = { realm_id: emptied, code: 'mass_disappearance' }
    expect(await totalOf(service, 'ledger_company_sync_failures_total', labels)).toBe(entities.length)
    await expectAsked(emptied)
    for (const realmId of others) expectUndisturbed(hour.of(realmId))

    // Who asked looked, and put the records back.
    for (const [kind, text] of texts) books.putText(kind, text)
    await mirror.ask(emptied, { mode: 'full' })
    await playUntilComplete(service, all, 1)
    await expectComplete(service, emptied)
    expect(await dumpMirror(mirror, emptied)).toEqual(before)
    mirror.clock.move({ minutes: 15 })
    await service.beat()
    await expectAtRest(mirror, emptied)
  })
})

/** The person who looks at the company is told what happened and what to do. */
async function expectAsked(realmId: string): Promise<void> {
  const http = await openHttp({ database: service.mirror.database })
  try {
    const { body } = (await http.send('get', `/admin/companies/${realmId}`)) as { body: unknown }
    expect(body).toMatchObject({
      status: 'active',
      statusReason: { code: 'mass_disappearance', message: expect.stringContaining('nothing was deleted') },
      whatToDo: whatToDo('mass_disappearance', { realmId, status: 'active', entity: 'vendor' }),
      late: true,
    })
  } finally {
    await http.close()
  }
}

/** @returns what was there, to be put back. */
function emptyBooks(books: Books): [(typeof KINDS)[number], string][] {
  const texts = KINDS.toReversed().flatMap((kind) =>
    books.recordsText(kind).map((text): [(typeof KINDS)[number], string] => [kind, text]),
  )
  for (const kind of KINDS) for (const { Id } of books.records(kind)) books.vanish(kind, Id)
  return texts
}
