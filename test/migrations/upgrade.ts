import type { Knex } from 'knex'
import { rowsOf } from '../../src/db/database.ts'
import { MIGRATION_SETTINGS } from '../../src/db/migrate.ts'
import { copyDatabase, createEmptyDatabase, type TestDatabase } from '../setup/test-database.ts'
import type { Release } from './releases.ts'
import { openReplay, type Replay } from './replay.ts'
import { openKnex } from '../setup/open-knex.ts'

type Upgrade = (knex: Knex) => Promise<void>

/**
 * Lives a release's life on its own schema, upgrades under its open connections, and goes on with that release's
 * statements. Throws an Error that says what was lost: a row of the mirror or of its history that is not as it was, or
 * a statement that is answered otherwise.
 */
export async function upgradeUnder(release: Release, upgrade: Upgrade): Promise<void> {
  const { url, drop } = await createEmptyDatabase()
  const replay = openReplay(url)
  try {
    await beginLife(url, release, replay)
    await goOn(url, release, replay, upgrade)
  } finally {
    await replay.close()
    await drop()
  }
}

/**
 * The same on a copy of a database that has lived up to the upgrade, for one upgrade after another. The connections are
 * new ones: nothing is prepared on them yet.
 */
export async function upgradeCopy(lived: TestDatabase, release: Release, upgrade: Upgrade): Promise<void> {
  const { url, drop } = await copyDatabase(lived)
  const replay = openReplay(url)
  try {
    await goOn(url, release, replay, upgrade)
  } finally {
    await replay.close()
    await drop()
  }
}

/** A database on which a release lived up to the upgrade. */
export async function createLivedDatabase(release: Release): Promise<TestDatabase> {
  const database = await createEmptyDatabase()
  const replay = openReplay(database.url)
  try {
    await beginLife(database.url, release, replay)
  } finally {
    await replay.close()
  }
  return database
}

async function beginLife(url: string, { migrations, recording }: Release, replay: Replay): Promise<void> {
  await withKnex(url, async (knex) => {
    for (const name of Object.keys(migrations).sort()) {
      await knex.migrate.up({ ...MIGRATION_SETTINGS, name })
    }
  })
  await replay.send(recording[0])
}

async function goOn(url: string, { recording }: Release, replay: Replay, upgrade: Upgrade): Promise<void> {
  await withKnex(url, async (knex) => {
    const before = await readEverythingKept(knex)
    for (const [name, rows] of before) {
      if (rows.length === 0) throw new Error(`the life left nothing in ${name} that an upgrade could lose`)
    }
    await upgrade(knex)
    expectKept(before, await readEverythingKept(knex))
  })
  await replay.send(recording[1])
}

async function withKnex(url: string, work: (knex: Knex) => Promise<void>): Promise<void> {
  const knex = openKnex(url, { poolMax: 2 })
  try {
    await work(knex)
  } finally {
    await knex.destroy()
  }
}

type Row = Readonly<Record<string, unknown>>
type Kept = ReadonlyMap<string, readonly Row[]>

/** Every mirrored row and every version, by table or view. */
async function readEverythingKept(knex: Knex): Promise<Kept> {
  const kept = await rowsOf<{ name: string }>(
    knex,
    'SELECT table_name AS name FROM history_tables ORDER BY 1',
  )
  const relations = kept.flatMap(({ name }) => [name, `${name}_history`, `${name}_versions`])
  const entries = relations.map(async (name) => {
    const rows = await rowsOf<{ row: Row }>(
      knex,
      `SELECT to_jsonb(t) AS row FROM ${name} t ORDER BY realm_id, qbo_id, valid_from`,
    )
    return [name, rows.map(({ row }) => row)] as const
  })
  return new Map(await Promise.all(entries))
}

function expectKept(before: Kept, after: Kept): void {
  for (const [name, rows] of before) {
    const now = after.get(name)
    if (now?.length !== rows.length) {
      throw new Error(`${name} held ${rows.length} rows, and after the upgrade ${now?.length ?? 'is gone'}`)
    }
    for (const [place, row] of rows.entries()) {
      for (const [column, value] of Object.entries(row)) {
        const [was, is] = [value, now[place]![column]].map((one) => JSON.stringify(one))
        if (was !== is) {
          throw new Error(`${name} of ${String(row['qbo_id'])}: ${column} was ${was}, and is ${is}`)
        }
      }
    }
  }
}
