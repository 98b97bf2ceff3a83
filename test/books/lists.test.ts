import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { filtersOf, type Filters } from '../../src/books/list-filters.ts'
import { sortsOf, type Order, type Sort } from '../../src/books/list-order.ts'
import { LISTS } from '../../src/books/lists.ts'
import type { BooksOptions } from '../../src/books/standing.ts'
import { ENTITIES, type Entity } from '../../src/domain/entity.ts'
import { company, startMirror, type TestMirror } from '../setup/mirror.ts'
import { listOf, optionsOf, postgresNow, readPage, readPages, type Shown } from './questions.ts'

let mirror: TestMirror
let options: BooksOptions

beforeAll(async () => {
  mirror = await startMirror({ companies: [company({ records: 150, multiCurrency: true })] })
  options = optionsOf(mirror)
  await mirror.sync()
  // Records lack what lists go by, and share it.
  await mirror.database.knex.raw(`
    UPDATE bills SET due_date = NULL WHERE qbo_id::int % 5 = 0;
    UPDATE bills SET doc_number = NULL WHERE qbo_id::int % 4 = 0;
    UPDATE bills SET vendor_id = NULL, vendor_name = NULL WHERE qbo_id::int % 6 = 0;
    UPDATE bills SET total_amount = 100 WHERE qbo_id::int % 3 = 0;
    UPDATE invoices SET due_date = NULL WHERE qbo_id::int % 2 = 0;
    UPDATE balances SET current_balance = NULL WHERE qbo_id::int % 3 = 0`)
})

afterAll(() => mirror.close())

const SORT_COLUMNS: Readonly<Record<Sort, (entity: Entity) => string>> = {
  dueDate: () => 'd.due_date',
  txnDate: () => 'd.txn_date',
  totalAmount: () => 'd.total_amount',
  balance: (entity) => (entity === 'balance' ? 'd.current_balance' : 'd.balance'),
  counterparty: (entity) =>
    ({
      bill: 'd.vendor_name',
      invoice: 'd.customer_name',
      vendor: 'd.display_name',
      customer: 'd.display_name',
      balance: '',
    })[entity],
  docNumber: () => 'd.doc_number',
  changed: () => 'd.valid_from',
  qboId: () => 'd.qbo_id',
}

function viewOf(entity: Entity): string {
  const hasView = entity !== 'vendor' && entity !== 'customer'
  return hasView ? `${LISTS[entity]}_current` : LISTS[entity]
}

/** Ties go by id in the same direction; records without a value come last, and by their ids in that direction too. */
async function inOrder(entity: Entity, { by, descending }: Order): Promise<string[]> {
  const direction = descending ? 'DESC' : 'ASC'
  const rows = await mirror.rows<{ id: string }>(
    `SELECT d.qbo_id AS id
       FROM ${viewOf(entity)} d
      ORDER BY ${SORT_COLUMNS[by](entity)} ${direction} NULLS LAST, d.qbo_id ${direction}`,
  )
  return rows.map(({ id }) => id)
}

const idsOf = (rows: readonly Shown[]) => rows.map(({ qboId }) => qboId)

const EVERY_ORDER = ENTITIES.flatMap((entity) =>
  sortsOf(entity).flatMap((by) => [false, true].map((descending) => ({ entity, by, descending }))),
)

describe('a filter', () => {
  interface Row extends Shown {
    readonly status: string
    readonly dueDate: string | null
    readonly txnDate: string
    readonly docNumber: string | null
    readonly currency: string
    readonly balance: string
    readonly vendor: { readonly id: string | null; readonly name: string | null } | null
  }

  const all = async () => (await readPages(options, listOf('bill'))) as Row[]
  const CASES: readonly [
    name: string,
    filters: (row: Row) => Filters,
    holds: (row: Row, by: Row) => boolean,
  ][] = [
    ['status=open', () => ({ status: 'open' }), (row) => Number(row.balance) !== 0],
    ['status=paid', () => ({ status: 'paid' }), (row) => Number(row.balance) === 0],
    ['status=overdue', () => ({ status: 'overdue' }), (row) => row.status === 'overdue'],
    [
      'dueFrom',
      (by) => ({ dueFrom: by.dueDate! }),
      (row, by) => row.dueDate !== null && row.dueDate >= by.dueDate!,
    ],
    [
      'dueTo',
      (by) => ({ dueTo: by.dueDate! }),
      (row, by) => row.dueDate !== null && row.dueDate <= by.dueDate!,
    ],
    [
      'dueAfter',
      (by) => ({ dueAfter: by.dueDate! }),
      (row, by) => row.dueDate !== null && row.dueDate > by.dueDate!,
    ],
    [
      'dueBefore',
      (by) => ({ dueBefore: by.dueDate! }),
      (row, by) => row.dueDate !== null && row.dueDate < by.dueDate!,
    ],
    ['txnFrom', (by) => ({ txnFrom: by.txnDate }), (row, by) => row.txnDate >= by.txnDate],
    ['txnTo', (by) => ({ txnTo: by.txnDate }), (row, by) => row.txnDate <= by.txnDate],
    [
      'counterpartyId',
      (by) => ({ counterpartyId: by.vendor!.id! }),
      (row, by) => row.vendor?.id === by.vendor!.id,
    ],
    [
      'counterparty',
      (by) => ({ counterparty: by.vendor!.name!.slice(1, 5).toUpperCase() }),
      (row, by) =>
        row.vendor?.name?.toLowerCase().includes(by.vendor!.name!.slice(1, 5).toLowerCase()) ?? false,
    ],
    ['docNumber', (by) => ({ docNumber: by.docNumber! }), (row, by) => row.docNumber === by.docNumber],
    ['currency', (by) => ({ currency: by.currency }), (row, by) => row.currency === by.currency],
    [
      'minBalance',
      (by) => ({ minBalance: by.balance }),
      (row, by) => Number(row.balance) >= Number(by.balance),
    ],
    ['changedSince', (by) => ({ changedSince: by.validFrom }), (row, by) => row.validFrom >= by.validFrom],
  ]

  test.each(CASES)(
    '%s gives those for which it holds, under every sort and of every moment',
    async (_, filtersFor, holds) => {
      const rows = await all()
      const whole = rows.filter(
        (row) => row.dueDate && row.docNumber && row.vendor?.name && Number(row.balance) !== 0,
      )
      const by = whole.sort((one, other) => (one.dueDate! < other.dueDate! ? -1 : 1))[whole.length >> 1]!
      const filters = filtersFor(by)
      const expected = idsOf(rows.filter((row) => holds(row, by))).sort()
      expect(expected.length).toBeGreaterThan(0)
      const now = { asOf: await postgresNow(mirror), sourceAsOf: null }
      for (const moment of [{ asOf: null, sourceAsOf: null }, now]) {
        for (const sort of sortsOf('bill')) {
          const order = { by: sort, descending: true }
          // What is overdue as of Postgres' today is not what was by the clock of these tests.
          if (filters.status === 'overdue' && moment.asOf !== null) continue
          const found = await readPages(options, listOf('bill', { filters, order, moment, limit: 20 }))
          expect(idsOf(found).sort()).toEqual(expected)
        }
      }
    },
  )

  test('of every kind can be combined with every other', async () => {
    const by = (await all()).find((row) => row.dueDate && row.docNumber && row.vendor?.name)!
    const filters = Object.assign({}, ...CASES.slice(3).map(([, filtersFor]) => filtersFor(by))) as Filters
    const { dueAfter: _1, dueBefore: _2, ...inclusive } = filters
    const combined = { ...inclusive, status: Number(by.balance) === 0 ? 'paid' : 'open' }
    expect(Object.keys(combined).length).toBe(filtersOf('bill').length - 3)
    expect(idsOf(await readPages(options, listOf('bill', { filters: combined })))).toEqual([by.qboId])
    expect(await readPages(options, listOf('bill', { filters }))).toEqual([])
  })

  test('by status takes no deleted record, and the others take them when asked to', async () => {
    const [gone] = await all()
    await mirror.database
      .knex('bills')
      .where({ qbo_id: gone!.qboId })
      .update({ deleted_at: mirror.clock.now() })
    const idsWith = async (filters: Filters) => idsOf(await readPages(options, listOf('bill', { filters })))
    expect(await idsWith({})).not.toContain(gone!.qboId)
    expect(await idsWith({ includeDeleted: true })).toContain(gone!.qboId)
    for (const status of ['open', 'paid', 'overdue']) {
      expect(await idsWith({ status, includeDeleted: true })).not.toContain(gone!.qboId)
    }
    const [shown] = await readPages(
      options,
      listOf('bill', { filters: { includeDeleted: true, changedSince: '2000-01-01T00:00:00Z' } }),
    )
    expect(shown).toMatchObject({ qboId: gone!.qboId, status: 'deleted' })
    await mirror.database.knex('bills').where({ qbo_id: gone!.qboId }).update({ deleted_at: null })
  })
})

describe('a list', () => {
  test.each(EVERY_ORDER)(
    'of $entity by $by (descending: $descending) is in order, without gap or repeat',
    async ({ entity, by, descending }) => {
      const order = { by, descending }
      const expected = await inOrder(entity, order)
      expect(expected.length).toBeGreaterThan(3)
      for (const limit of [11, expected.length]) {
        expect(idsOf(await readPages(options, listOf(entity, { order, limit })))).toEqual(expected)
      }
      const moment = { asOf: await postgresNow(mirror), sourceAsOf: null }
      expect(idsOf(await readPages(options, listOf(entity, { order, moment, limit: 13 })))).toEqual(expected)
    },
  )

  test.each(EVERY_ORDER.filter(({ entity }) => entity === 'bill' || entity === 'vendor'))(
    'of $entity by $by (descending: $descending) keeps to its first page’s moment while rows change',
    async ({ entity, by, descending }) => {
      const whole = await readPages(options, listOf(entity, { order: { by, descending } }))
      const question = listOf(entity, { order: { by, descending }, limit: Math.ceil(whole.length / 4) })
      let n = 0
      const seen = await readPages(options, question, async () => {
        n += 1
        if (n > 2) return
        // Every record moves somewhere else, one goes and one comes back.
        const bindings = { n, id: idsOf(whole)[n * 3] ?? '0', before: idsOf(whole)[n] ?? '0' }
        for (const change of CHANGES[entity]) await mirror.rows(change, bindings)
      })
      expect(n).toBeGreaterThan(0)
      expect(seen.map(contentOf)).toEqual(whole.map(contentOf))
      await mirror.database.knex.raw(
        `UPDATE ${LISTS[entity]} SET deleted_at = NULL WHERE deleted_at IS NOT NULL`,
      )
    },
  )
})

const documents = (table: string, party: string) => [
  `UPDATE ${table} SET total_amount = total_amount * -1 + :n, balance = balance + 1, due_date = due_date - 40 * :n,
          txn_date = txn_date + 30, doc_number = reverse(doc_number) || :n, ${party}_name = reverse(${party}_name)`,
  `UPDATE ${party}s SET display_name = reverse(display_name)`,
  `UPDATE ${table} SET deleted_at = now() WHERE qbo_id = :id`,
  `UPDATE ${table} SET deleted_at = NULL WHERE qbo_id = :before`,
]

const parties = (table: string) => [
  `UPDATE ${table} SET display_name = reverse(display_name) || :n`,
  `UPDATE ${table} SET deleted_at = now() WHERE qbo_id IN (:id, :before)`,
]

const CHANGES: Readonly<Record<Entity, readonly string[]>> = {
  bill: documents('bills', 'vendor'),
  invoice: [],
  vendor: parties('vendors'),
  customer: [],
  balance: [],
}

/** When a record was read is told of the present: rows that ended meanwhile are not read any more. */
function contentOf({ lastSyncedAt: _, ...row }: Shown): object {
  return row
}

describe('a cursor', () => {
  test('belongs to its list, filters, sort and moment, and says so', async () => {
    const question = listOf('bill', { filters: { currency: 'USD' }, limit: 2 })
    const { nextCursor: cursor } = await readPage(options, question)
    const at = await postgresNow(mirror)
    for (const other of [
      { filters: {} },
      { filters: { currency: 'USD', status: 'open' } },
      { filters: { currency: 'USD', includeDeleted: true } },
      { order: { by: 'dueDate', descending: false } },
      { order: { by: 'qboId', descending: true } },
      { moment: { asOf: at, sourceAsOf: null } },
      { moment: { asOf: null, sourceAsOf: at } },
      { realmId: '1' },
      { entity: 'invoice' },
    ] as const) {
      await expect(readPage(options, { ...question, ...other, cursor })).rejects.toMatchObject({
        code: 'invalid_request',
        details: {
          fields: [{ field: 'cursor', message: expect.stringContaining('belongs to another list') }],
        },
      })
    }
    const { data } = await readPage(options, { ...question, limit: 5, withLines: true, cursor })
    expect(data).toHaveLength(5)
  })
})

describe('the payloads', () => {
  test('are not touched by a list unless its lines are asked for', async () => {
    const statements: string[] = []
    mirror.database.knex.on('query', ({ sql }: { sql: string }) => statements.push(sql))
    const { data } = await readPage(options, listOf('invoice', { limit: 3 }))
    expect(statements.filter((sql) => /\braw\b/.test(sql))).toEqual([])
    expect(data[0]).not.toHaveProperty('lines')
    const [withLines] = (await readPage(options, listOf('invoice', { limit: 3, withLines: true }))).data
    expect(withLines!['lines']).toEqual(
      expect.arrayContaining([expect.objectContaining({ amount: expect.any(String) })]),
    )
    expect(statements.some((sql) => /\braw\b/.test(sql))).toBe(true)
  })
})

describe('a list by party', () => {
  const asked = (more: object) => listOf('bill', { limit: 40, ...more })
  const orders = [false, true].map((descending) => ({ by: 'counterparty', descending }) as const)
  const namesOf = async () =>
    mirror.rows<{ id: string }>(
      `SELECT qbo_id AS id FROM bills_current WHERE strpos(lower(vendor_name), 'somebody') > 0 ORDER BY qbo_id`,
    )

  test.each([
    ['that the mirror lacks', `vendor_id = '99' || qbo_id, vendor_name = 'Somebody ' || qbo_id`],
    ['that has a name and no id', `vendor_id = NULL, vendor_name = 'Somebody ' || qbo_id`],
  ])('finds the documents of one %s', async (_, change) => {
    await mirror.database.knex.raw(`UPDATE bills SET ${change} WHERE qbo_id::int % 3 = 0`)
    for (const order of orders) {
      expect(idsOf(await readPages(options, asked({ order })))).toEqual(await inOrder('bill', order))
    }
    const found = await readPages(options, asked({ limit: 4, filters: { counterparty: 'SOMEBODY' } }))
    expect(found.length).toBeGreaterThan(5)
    expect(idsOf(found)).toEqual((await namesOf()).map(({ id }) => id))
  })

  test('shows one moment on all its pages, whatever changes its parties meanwhile', async () => {
    for (const order of orders) {
      const before = await inOrder('bill', order)
      const rename = () =>
        mirror.database.knex.raw(`
          UPDATE vendors SET display_name = 'A' || display_name WHERE qbo_id::int % 2 = 0;
          UPDATE bills SET vendor_id = (SELECT min(qbo_id) FROM vendors) WHERE qbo_id::int % 11 = 0`)
      expect(idsOf(await readPages(options, asked({ order, limit: 30 }), rename))).toEqual(before)
    }
  })
})
