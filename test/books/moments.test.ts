import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { LISTS } from '../../src/books/lists.ts'
import { readRecord } from '../../src/books/read-record.ts'
import type { BooksOptions } from '../../src/books/standing.ts'
import { ENTITIES, type Entity } from '../../src/domain/entity.ts'
import { seededRandom } from '../../src/sandbox/random.ts'
import { company, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { listOf, optionsOf, postgresNow, readPages, type Shown } from './questions.ts'

const SEED = 20_261_126
const RUNS = 8

interface Kept {
  readonly at: string
  /** Of each entity everything that the API showed, deleted records among it. */
  readonly shown: Readonly<Record<Entity, readonly Shown[]>>
  /** Of each entity what stands in its SQL view or table, by id. */
  readonly sql: Readonly<Record<Entity, unknown>>
}

let mirror: TestMirror
let options: BooksOptions
const kept: Kept[] = []

beforeAll(async () => {
  mirror = await startMirror({ companies: [company({ records: 60 })] })
  options = optionsOf(mirror)
  const random = seededRandom(SEED)
  const books = mirror.sandbox.books(REALM)
  for (let run = 0; run < RUNS; run += 1) {
    if (run > 0) {
      for (let step = random.integer(5, 15); step > 0; step -= 1) {
        mirror.clock.move({ seconds: random.integer(1, 30) })
        books.step()
      }
      const bill = random.pick(books.records('Bill')).Id
      const invoice = random.pick(books.records('Invoice')).Id
      if (random.chance(0.6)) books.deleteTxn('Bill', bill)
      if (random.chance(0.5)) books.deleteTxn('Invoice', invoice)
      if (random.chance(0.7))
        books.renameVendor(random.pick(books.records('Vendor')).Id, `Vendor of run ${run}`)
      if (random.chance(0.7))
        books.renameCustomer(random.pick(books.records('Customer')).Id, `Customer of run ${run}`)
    }
    await mirror.sync(REALM, { mode: run === 5 ? 'full' : 'incremental' })
    kept.push(await keep())
  }
})

afterAll(() => mirror.close())

async function keep(): Promise<Kept> {
  const shown: Partial<Record<Entity, Shown[]>> = {}
  const sql: Partial<Record<Entity, unknown>> = {}
  for (const entity of ENTITIES) {
    shown[entity] = await readPages(
      options,
      listOf(entity, { filters: { includeDeleted: true }, withLines: true }),
    )
    sql[entity] = await sqlRows(entity, hasView(entity) ? `${LISTS[entity]}_current` : LISTS[entity])
  }
  return { at: await postgresNow(mirror), shown: shown as Kept['shown'], sql: sql as Kept['sql'] }
}

function hasView(entity: Entity): boolean {
  return entity !== 'vendor' && entity !== 'customer'
}

/** The live rows of a view, a table or a function, with the columns that both of them have. */
async function sqlRows(entity: Entity, from: string): Promise<unknown> {
  const [row] = await mirror.rows<{ rows: Record<string, unknown>[] | null }>(
    `SELECT json_agg(to_jsonb(t) - CAST(:left AS text[]) ORDER BY t.qbo_id) AS rows
       FROM (SELECT * FROM ${from} ${hasView(entity) || from.includes('(') ? '' : 'WHERE deleted_at IS NULL'}) t`,
    { left: `{${[...NOT_OF_A_VERSION, ...NOT_IN_BOTH].join(',')}}` },
  )
  return row!.rows
}

// Changed in place when QuickBooks touches a record or it is read again: no version keeps what they were. The status
// goes by the day, and days pass faster by the clock of these tests than by Postgres'.
const NOT_OF_A_VERSION = ['source_updated_at', 'last_synced_at', 'sync_token', 'rejected_since', 'status']
const NOT_IN_BOTH = [
  'source_created_at',
  'source_valid_from',
  'observed_at',
  'deleted_at',
  'content_hash',
].concat(['mapping_version', 'sync_run_id', 'tx_id', 'previous_valid_from', 'raw'])

function content({ sourceUpdatedAt: _1, lastSyncedAt: _2, syncToken: _3, status, ...row }: Shown): object {
  return { ...row, isDeleted: status === 'deleted' }
}

describe(`what the mirror showed after each run (seed ${SEED})`, () => {
  test('differs from run to run, or nothing is proven here', () => {
    const states = kept.map(({ shown }) =>
      JSON.stringify(ENTITIES.map((entity) => shown[entity].map(content))),
    )
    expect(new Set(states).size).toBe(RUNS)
    const last = kept.at(-1)!
    expect(last.shown.bill.some(({ status }) => status === 'deleted')).toBe(true)
    expect(JSON.stringify(last.shown.bill)).toContain('Vendor of run')
  })

  test.each(ENTITIES)('is in the lists of %s as of then, to the last field', async (entity) => {
    for (const { at, shown } of kept) {
      const moment = { asOf: at, sourceAsOf: null }
      const filters = { includeDeleted: true }
      const then = await readPages(options, listOf(entity, { moment, filters, withLines: true, limit: 7 }))
      expect(then.map(content)).toEqual(shown[entity].map(content))
      const live = await readPages(options, listOf(entity, { moment, withLines: true }))
      expect(live.map(content)).toEqual(
        shown[entity].filter(({ deletedAt }) => deletedAt === null).map(content),
      )
    }
  })

  test.each(ENTITIES)('is in each record of %s as of then', async (entity) => {
    const random = seededRandom(SEED, entity)
    for (const { at, shown } of kept) {
      for (const row of random.shuffle(shown[entity]).slice(0, 15)) {
        const { mirror: _, ...then } = await readRecord(options, {
          realmId: REALM,
          entity,
          qboId: row.qboId,
          moment: { asOf: at, sourceAsOf: null },
        })
        expect(content(JSON.parse(JSON.stringify(then)) as Shown)).toEqual(content(row))
      }
    }
  })

  test.each(ENTITIES)('is in %s_as_of(moment), for who reads with SQL', async (entity) => {
    for (const { at, sql } of kept) {
      expect(await sqlRows(entity, `${LISTS[entity]}_as_of('${at}')`)).toEqual(sql[entity])
    }
  })

  test('is what QuickBooks had by the greatest of its times, as known then', async () => {
    for (const entity of ENTITIES) {
      for (const { at, shown } of kept) {
        const moment = { asOf: at, sourceAsOf: '9999-01-01T00:00:00Z' }
        const filters = { includeDeleted: true }
        const then = await readPages(options, listOf(entity, { moment, filters, withLines: true }))
        expect(then.map(content)).toEqual(shown[entity].map(content))
      }
    }
  })

  test('a version is found by the very time at which it began, and not a microsecond before', async () => {
    const changed = await mirror.rows<{ qboId: string; at: string; before: string }>(
      `SELECT qbo_id AS "qboId", to_char(valid_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
              to_char((valid_from - interval '1 microsecond') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS before
         FROM balances
        WHERE valid_from > (SELECT min(valid_to) FROM balances_history)`,
    )
    expect(changed.length).toBeGreaterThan(3)
    for (const { qboId, at, before } of changed) {
      const question = { realmId: REALM, entity: 'balance', qboId } as const
      const present = await readRecord(options, { ...question, moment: { asOf: null, sourceAsOf: null } })
      const then = await readRecord(options, { ...question, moment: { asOf: at, sourceAsOf: null } })
      expect(then).toMatchObject({ validFrom: (present as unknown as Shown).validFrom })
      const earlier = await readRecord(options, {
        ...question,
        moment: { asOf: before, sourceAsOf: null },
      }).then(
        (row) => (row as unknown as Shown).validFrom,
        () => null,
      )
      expect(earlier).not.toBe((present as unknown as Shown).validFrom)
    }
  })
})

describe('what QuickBooks had by its own clock', () => {
  interface VersionRow {
    readonly qboId: string
    readonly validFrom: string
    readonly sourceValidFrom: string
    readonly deleted: boolean
  }

  /** The rule, said by going over all versions: of those known and begun by then, the one that was learned last. */
  function known(versions: readonly VersionRow[], source: string, asOf: string): Record<string, string> {
    const found: Record<string, VersionRow> = {}
    for (const version of versions) {
      if (version.sourceValidFrom > source || version.validFrom > asOf) continue
      const before = found[version.qboId]
      if (!before || version.validFrom > before.validFrom) found[version.qboId] = version
    }
    const live = Object.values(found).filter(({ deleted }) => !deleted)
    return Object.fromEntries(live.map(({ qboId, validFrom }) => [qboId, validFrom]))
  }

  const US = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`
  const byId = (rows: readonly { qboId: string; validFrom: string }[]) =>
    Object.fromEntries(
      rows.map(({ qboId, validFrom }) => [
        qboId,
        validFrom.replace(/(\.\d+)Z/, (_, f: string) => `${f.padEnd(7, '0')}Z`),
      ]),
    )

  test.each(['bill', 'invoice', 'balance'] as const)(
    'is the last version learned of a %s that began by then, alike in lists and SQL',
    async (entity) => {
      const versions = await mirror.rows<VersionRow>(
        `SELECT qbo_id AS "qboId", to_char(valid_from AT TIME ZONE 'UTC', ${US}) AS "validFrom",
              to_char(source_valid_from AT TIME ZONE 'UTC', ${US}) AS "sourceValidFrom",
              deleted_at IS NOT NULL AS deleted
         FROM ${LISTS[entity]}_versions`,
      )
      const random = seededRandom(SEED, entity)
      const moments = Array.from({ length: 8 }, () => random.pick(versions).sourceValidFrom)
      let nonEmpty = 0
      for (const source of moments) {
        for (const asOf of [null, random.pick(kept).at]) {
          const expected = known(versions, source, asOf ?? '9999')
          nonEmpty += Object.keys(expected).length
          const list = await readPages(
            options,
            listOf(entity, { moment: { asOf, sourceAsOf: source }, limit: 9 }),
          )
          expect(byId(list)).toEqual(expected)
          const sql = await mirror.rows<VersionRow>(
            `SELECT qbo_id AS "qboId", to_char(valid_from AT TIME ZONE 'UTC', ${US}) AS "validFrom"
             FROM ${LISTS[entity]}_source_as_of('${source}'${asOf === null ? '' : `, '${asOf}'`})`,
          )
          expect(byId(sql)).toEqual(expected)
        }
      }
      expect(nonEmpty).toBeGreaterThan(20)
    },
  )

  test('follows what was learned last where QuickBooks’ time went backwards', async () => {
    const [{ qboId }] = (await mirror.rows<{ qboId: string }>(
      'SELECT min(qbo_id) AS "qboId" FROM vendors',
    )) as [{ qboId: string }]
    const write = async (name: string, source: string) => {
      await mirror.database
        .knex('vendors')
        .where({ qbo_id: qboId })
        .update({ display_name: name, source_valid_from: source })
      return postgresNow(mirror)
    }
    const atFirst = await write('Ten thirty', '2040-01-01T10:30:00Z')
    await write('Ten twenty, learned later', '2040-01-01T10:20:00Z')
    const nameOf = async (sourceAsOf: string, asOf: string | null = null) => {
      const question = { realmId: REALM, entity: 'vendor', qboId, moment: { asOf, sourceAsOf } } as const
      return ((await readRecord(options, question)) as unknown as { displayName: string }).displayName
    }
    expect(await nameOf('2040-01-01T10:40:00Z')).toBe('Ten twenty, learned later')
    expect(await nameOf('2040-01-01T10:25:00Z')).toBe('Ten twenty, learned later')
    expect(await nameOf('2040-01-01T10:40:00Z', atFirst)).toBe('Ten thirty')
    expect(await nameOf('2040-01-01T10:25:00Z', atFirst)).not.toMatch(/^Ten/)
  })
})
