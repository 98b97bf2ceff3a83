import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import type { FeedPlace } from '../../../src/books/changes/feed-place.ts'
import { readChanges, type ChangesPage } from '../../../src/books/changes/read-changes.ts'
import { rowsOf } from '../../../src/db/database.ts'
import { ENTITIES } from '../../../src/domain/entity.ts'
import { openHttp, type OpenHttp } from '../../http/open-http.ts'
import { insertBalance, insertBill, insertCompany, insertInvoice } from '../../http/rows.ts'
import { createChoices } from '../../simulation/random.ts'

let http: OpenHttp
let knex: Knex

beforeEach(async () => {
  http = await openHttp()
  knex = http.knex
  await insertCompany(knex, '1')
  await insertCompany(knex, '2')
})

afterEach(() => http.close())

const NO_FILTER = { change: null, counterparty: null, minAmount: null, syncRunId: null }

interface Reading {
  readonly after?: FeedPlace | null
  readonly limit?: number
  readonly realmId?: string | null
  readonly order?: 'asc' | 'desc'
}

function read({ after = null, limit = 100, realmId = null, order = 'asc' }: Reading = {}) {
  return readChanges(http.database, {
    range: { realmId, entities: ENTITIES, order, since: null, until: null },
    filter: NO_FILTER,
    after,
    limit,
  })
}

/** Every page from a place on. */
async function readAll(reading: Reading = {}): Promise<ChangesPage> {
  const changes: ChangesPage['changes'][number][] = []
  let page: ChangesPage = { changes: [], reached: reading.after ?? null, hasMore: true }
  while (page.hasMore) {
    page = await read({ ...reading, after: page.reached })
    changes.push(...page.changes)
  }
  return { ...page, changes }
}

const names = ({ changes }: Pick<ChangesPage, 'changes'>) =>
  changes.map(({ realmId, entity, qboId, validFrom }) => [realmId, entity, qboId, validFrom].join(' '))

const ids = ({ changes }: Pick<ChangesPage, 'changes'>) => changes.map(({ qboId }) => qboId)

/** Every version that there is, as SQL says. */
async function versions(): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    knex,
    ['bill', 'invoice', 'balance']
      .map(
        (entity) =>
          `SELECT concat_ws(' ', realm_id, '${entity}', qbo_id, CAST(valid_from AS text)) AS name FROM ${entity}s_versions`,
      )
      .join(' UNION ALL '),
  )
  return rows.map(({ name }) => name)
}

const comparable = (name: string) =>
  name
    .replace(/T|Z$|\+00$/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replace(/\.?0*\s*$/, '')

describe('the feed of changes', () => {
  test('shows nothing of a transaction that others before it could still precede', async () => {
    const slow = await knex.transaction()
    await insertBill(slow, '1', '1')
    await insertBill(knex, '1', '2')
    const early = await readAll()
    expect(ids(early)).toEqual([])
    await slow.commit()
    expect(ids(await readAll({ after: early.reached }))).toEqual(['1', '2'])
  })

  test('waits for no transaction of another database', async () => {
    const other = await openHttp()
    const slow = await other.knex.transaction()
    try {
      await insertBill(slow, '1', '1')
      await insertBill(knex, '1', '2')
      expect(ids(await readAll())).toEqual(['2'])
    } finally {
      await slow.rollback()
      await other.close()
    }
  })

  test('goes on behind a cursor when the slow one rolled back', async () => {
    await insertBill(knex, '1', '1')
    const first = await readAll()
    const slow = await knex.transaction()
    await insertBill(slow, '1', '2')
    await insertBill(knex, '1', '3')
    const held = await readAll({ after: first.reached })
    expect([ids(first), ids(held)]).toEqual([['1'], []])
    await slow.rollback()
    expect(ids(await readAll({ after: held.reached }))).toEqual(['3'])
  })

  test.each([11, 12, 13])(
    'misses and doubles nothing, however transactions overlap and wherever it is resumed (seed %i)',
    async (seed) => {
      const random = createChoices(seed)
      const open: Knex.Transaction[] = []
      const seen: string[] = []
      let place: FeedPlace | null = null
      let next = 1
      const touched = new Set<string>()
      for (let step = 0; step < 120; step += 1) {
        const drawn = random.whole(0, 9)
        const writer = open[random.whole(0, Math.max(0, open.length - 1))]
        if (drawn <= 1 && open.length < 3) {
          open.push(await knex.transaction())
        } else if (drawn <= 4 && writer) {
          const id = String(next++)
          const realmId = String(random.whole(1, 2))
          await [insertBill, insertInvoice, insertBalance][random.whole(0, 2)]!(writer, realmId, id)
        } else if (drawn === 5) {
          await insertBill(knex, '1', String(next))
          touched.add(String(next++))
        } else if (drawn === 6 && touched.size > 0) {
          await knex('bills')
            .whereIn('qbo_id', [...touched].slice(0, 2))
            .update({ balance: random.whole(1, 500) })
        } else if (drawn === 7 && writer) {
          open.splice(open.indexOf(writer), 1)
          await (random.whole(0, 3) === 0 ? writer.rollback() : writer.commit())
        } else {
          const page = await read({ after: place, limit: random.whole(1, 5) })
          seen.push(...names(page))
          place = page.reached
        }
      }
      for (const writer of open) await writer.commit()
      const rest = await readAll({ after: place, limit: 7 })
      seen.push(...names(rest))
      expect(seen.length).toBeGreaterThan(30)
      expect(seen.map(comparable).sort()).toEqual((await versions()).map(comparable).sort())
      expect(new Set(seen).size).toBe(seen.length)
      expect(seen).toEqual(names(await readAll({ limit: 1000 })))
      expect([...seen].reverse()).toEqual(names(await readAll({ order: 'desc', limit: 4 })))
      const own = seen.filter((name) => name.startsWith('2 '))
      expect(own).toEqual(names(await readAll({ realmId: '2', limit: 3 })))
    },
  )

  test('gives what one transaction wrote in pages as well', async () => {
    await knex.transaction(async (trx) => {
      for (const id of ['3', '10', '2']) await insertInvoice(trx, '1', id)
      for (const id of ['3', '10', '2']) await insertBill(trx, '1', id)
      await trx('bills').update({ balance: 1 })
    })
    const whole = names(await readAll())
    // What it wrote twice began once.
    expect(whole).toHaveLength(6)
    for (const limit of [1, 2, 3, 4, 8]) expect(names(await readAll({ limit }))).toEqual(whole)
  })

  test('outlives the purge of a company that a cursor stands on', async () => {
    await insertBill(knex, '1', '1')
    await insertBill(knex, '2', '2')
    await insertBill(knex, '1', '3')
    const { reached } = await read({ limit: 2 })
    await knex('companies').where({ realm_id: '2' }).update({ status: 'disconnected' })
    await knex.raw(`SELECT purge_company('2', 'asked to be forgotten')`)
    expect(ids(await readAll({ after: reached }))).toEqual(['3'])
    expect(ids(await readAll())).toEqual(['1', '3'])
  })

  test('is read by indexes of transactions, of one company and of all', async () => {
    for (let written = 0; written < 30; written += 1) {
      await knex.raw(COMPANY_OF_BILLS, { realmId: String((written % 2) + 1), from: written * 100 })
    }
    await knex('bills').update({ balance: 1 })
    await knex.raw('VACUUM ANALYZE bills')
    await knex.raw('VACUUM ANALYZE bills_history')
    const { reached } = await read({ limit: 1000 })
    for (const realmId of [null, '1']) {
      http.statements.length = 0
      await read({ after: reached, realmId, limit: 10 })
      const keys = http.statements.find(({ sql }) => sql.includes('pg_snapshot_xip'))!
      const plan = await http.explain(keys)
      // Of a table with two companies, going past the rows of the other may cost less than the longer index.
      const index = realmId === null ? '_feed' : '(_company)?_feed'
      expect(plan).toMatch(new RegExp(`using bills${index} `))
      expect(plan).toMatch(new RegExp(`using bills_history${index} `))
      expect(plan).not.toMatch(/Seq Scan on (bills|\w+_history)/)
      if (realmId !== null) expect(plan).toMatch(/using vendors_company_feed /)
    }
  })
})

// A hundred bills of one transaction.
const COMPANY_OF_BILLS = `
  INSERT INTO bills (realm_id, qbo_id, txn_date, total_amount, balance, source_updated_at, source_valid_from, observed_at,
                     last_synced_at, content_hash, mapping_version, sync_run_id, raw)
  SELECT :realmId, CAST(:from + n AS text), DATE '2026-01-01', 5, 5, now(), now(), now(), now(), 'h', 1, 1, '{}'
    FROM generate_series(1, 100) n`

describe('a database that was restored elsewhere', () => {
  /** Rows that another cluster numbered, beyond what this one has come to. */
  async function restore(): Promise<void> {
    const own = ['begin_version', 'guard_inserted']
    for (const trigger of own) await knex.raw(`ALTER TABLE bills DISABLE TRIGGER ${trigger}`)
    const [row] = await rowsOf<{ at: string }>(knex, 'SELECT CAST(clock_timestamp() AS text) AS at')
    await insertBill(knex, '1', '9', { valid_from: row!.at, tx_id: '999999999999' })
    for (const trigger of own) await knex.raw(`ALTER TABLE bills ENABLE ALWAYS TRIGGER ${trigger}`)
    await knex('feed_epochs').update({ cluster: 'another' })
  }

  test('refuses the cursors given before, instead of missing rows behind them', async () => {
    await insertBill(knex, '1', '1')
    const { reached } = await read()
    await restore()
    await expect(read({ after: reached })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/restored or moved/),
    })
  })

  test('is read whole from the start, whatever numbers its rows have, and goes on with its own', async () => {
    await insertBill(knex, '1', '1')
    await restore()
    const old = await readAll({ limit: 1 })
    expect(ids(old)).toEqual(['1', '9'])
    const slow = await knex.transaction()
    await insertBill(slow, '1', '2')
    await insertBill(knex, '1', '3')
    const held = await readAll({ after: old.reached })
    expect(ids(held)).toEqual([])
    await slow.commit()
    expect(ids(await readAll({ after: held.reached }))).toEqual(['2', '3'])
    expect(ids(await readAll({ limit: 1 }))).toEqual(['1', '9', '2', '3'])
    expect(ids(await readAll({ limit: 1, order: 'desc' }))).toEqual(['3', '2', '9', '1'])
  })

  test('waits for who was writing when its epoch begins', async () => {
    await restore()
    const writer = await knex.transaction()
    await insertBill(writer, '1', '1')
    const reading = readAll()
    for (;;) {
      const [row] = await rowsOf<{ waits: boolean }>(
        knex,
        `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock') AS waits`,
      )
      if (row!.waits) break
    }
    await writer.commit()
    expect(ids(await reading)).toEqual(['1', '9'])
  })

  test('is told by what any role may ask', async () => {
    const [row] = await rowsOf<{ role: string }>(
      knex,
      `SELECT 'feed_reader_' || replace(CAST(gen_random_uuid() AS text), '-', '') AS role`,
    )
    await knex.transaction(async (trx) => {
      await trx.raw(`CREATE ROLE ${row!.role}`)
      await trx.raw(`SET LOCAL ROLE ${row!.role}`)
      const [cluster] = await rowsOf<{ cluster: string }>(trx, 'SELECT feed_cluster() AS cluster')
      expect(cluster!.cluster).toMatch(/^\d+\/[0-9A-F]{8}$/)
      await trx.rollback()
    })
  })
})
