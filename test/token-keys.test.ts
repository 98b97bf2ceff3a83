import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { seedCompanies } from '../src/connections/seed-companies.ts'
import { createTokenCipher, type EncryptionKey } from '../src/connections/token-cipher.ts'
import { systemClock } from '../src/db/clock.ts'
import { createDatabase, rowsOf } from '../src/db/database.ts'
import { makeLocalKey } from '../src/local-secrets.ts'
import { findTokenKeys } from '../src/token-keys.ts'
import { keptLog, type KeptLog } from './setup/kept-log.ts'
import { OTHER_REALM, REALM } from './setup/mirror.ts'
import { createTestDatabase, type TestDatabase } from './setup/test-database.ts'
import { openKnex } from './setup/open-knex.ts'

const CONFIGURED: EncryptionKey = { id: 'k1', key: Buffer.alloc(32, 1) }

let database: TestDatabase
let knex: Knex
let dataDirectory: string
let kept: KeptLog

beforeEach(async () => {
  database = await createTestDatabase()
  knex = open()
  dataDirectory = await mkdtemp(join(tmpdir(), 'ledger-mirror-keys-'))
  kept = keptLog()
})

afterEach(async () => {
  await knex.destroy()
  await database.drop()
  await rm(dataDirectory, { recursive: true })
})

function open(): Knex {
  return openKnex(database.url)
}

function find(configured: readonly EncryptionKey[] | null) {
  return findTokenKeys({ configured, dataDirectory, knex, log: kept.log })
}

async function storeTokens(keys: readonly EncryptionKey[], on: Knex = knex): Promise<void> {
  await seedCompanies(
    {
      database: createDatabase(on, systemClock()),
      cipher: createTokenCipher(keys),
      environment: 'sandbox',
    },
    [REALM, OTHER_REALM].map((realmId) => ({ realmId, name: realmId, refreshToken: `token of ${realmId}` })),
  )
}

describe('without TOKEN_ENCRYPTION_KEYS', () => {
  test('a key is generated and kept', async () => {
    const made = await find(null)
    await storeTokens(made)
    expect(await find(null)).toEqual(made)
    expect(kept.lines('error')).toEqual([])
  })

  test('none is generated beside tokens that it could not open', async () => {
    await storeTokens(await find(null))
    await rm(join(dataDirectory, 'encryption-key'))
    await expect(find(null)).rejects.toThrow(
      `The database holds tokens of 2 companies, encrypted with key "local", and ${join(dataDirectory, 'encryption-key')} is not there: no other key can read them, so none was made. Put the file back, or set TOKEN_ENCRYPTION_KEYS`,
    )
    expect(await readdir(dataDirectory)).toEqual([])
  })

  test('the one that another process makes at this moment is taken', async () => {
    // It stores its first token after we found no key, and before we look for tokens.
    const other = open()
    // What pg_stat_activity says stays the same throughout a transaction.
    const waiting = `SELECT FROM pg_locks WHERE relation = 'connections'::regclass AND NOT granted`
    let made: EncryptionKey | null = null
    let finding: ReturnType<typeof find> = Promise.resolve([])
    try {
      await other.transaction(async (trx) => {
        await trx.raw('LOCK TABLE connections')
        finding = find(null)
        while ((await rowsOf(trx, waiting)).length === 0) await setImmediate()
        made = await makeLocalKey(dataDirectory)
        await storeTokens([made], trx)
      })
    } finally {
      await other.destroy()
    }
    expect(await finding).toEqual([made])
  })
})

describe('with TOKEN_ENCRYPTION_KEYS', () => {
  test('that open every token nothing is said', async () => {
    await storeTokens([CONFIGURED])
    expect(await find([{ id: 'k2', key: Buffer.alloc(32, 2) }, CONFIGURED])).toHaveLength(2)
    expect(kept.lines()).toEqual([])
  })

  test.each<[string, EncryptionKey]>([
    ['lacks the key', { id: 'k2', key: Buffer.alloc(32, 2) }],
    ['has it with other bytes', { id: 'k1', key: Buffer.alloc(32, 2) }],
  ])('that %s the start goes on, and says which key is missing', async (_, key) => {
    await storeTokens([CONFIGURED])
    expect(await find([key])).toEqual([key])
    expect(kept.lines()).toEqual([
      expect.objectContaining({
        level: 'error',
        message: 'stored tokens cannot be read',
        companies: 2,
        keyIds: ['k1'],
        whatToDo: expect.stringContaining('TOKEN_ENCRYPTION_KEYS') as unknown,
      }),
    ])
  })
})
