import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { rotateKeys } from '../src/connections/rotate-keys.ts'
import { createTokenCipher, type EncryptionKey } from '../src/connections/token-cipher.ts'
import { createDatabase, rowsOf, type Database } from '../src/db/database.ts'
import { insertSyncedCompany } from './http/rows.ts'
import { createTestClock } from './setup/clock.ts'
import { openKnex } from './setup/open-knex.ts'
import { runProgram } from './setup/run-program.ts'
import { createTestDatabase, type TestDatabase } from './setup/test-database.ts'

const [OLD, NEW, LOST] = ['k1', 'k2', 'k0'].map((id) => ({ id, key: randomBytes(32) })) as [
  EncryptionKey,
  EncryptionKey,
  EncryptionKey,
]

let postgres: TestDatabase
let database: Database

beforeAll(async () => {
  postgres = await createTestDatabase()
  database = createDatabase(openKnex(postgres.url), createTestClock())
  for (const realmId of ['1', '2', '3']) await insertSyncedCompany(database.knex, realmId)
})

afterEach(() => database.knex.raw('DELETE FROM connections'))

afterAll(async () => {
  await database.knex.destroy()
  await postgres.drop()
})

async function connected(realmId: string, key: EncryptionKey, hasAccess = true): Promise<void> {
  const cipher = createTokenCipher([key])
  await rowsOf(
    database.knex,
    `INSERT INTO connections (realm_id, environment, access_token_ciphertext, access_token_expires_at,
                              refresh_token_ciphertext, refresh_token_expires_at, updated_at)
     VALUES (:realmId, 'simulator', :access, now(), :refresh, now(), now())`,
    {
      realmId,
      access: hasAccess ? cipher.encrypt(realmId, `access of ${realmId}`) : null,
      refresh: cipher.encrypt(realmId, `refresh of ${realmId}`),
    },
  )
}

function stored(): Promise<{ realmId: string; access: string | null; refresh: string }[]> {
  return rowsOf(
    database.knex,
    `SELECT realm_id AS "realmId",
            access_token_ciphertext AS access,
            refresh_token_ciphertext AS refresh
       FROM connections
      ORDER BY realm_id`,
  )
}

async function readWith(key: EncryptionKey): Promise<unknown[]> {
  const { decrypt } = createTokenCipher([key])
  return (await stored()).map(({ realmId, access, refresh }) => ({
    realmId,
    access: access === null ? null : decrypt(realmId, access),
    refresh: decrypt(realmId, refresh),
  }))
}

function rotate(...ring: EncryptionKey[]) {
  return runProgram(['src/rotate-tokens.ts'], {
    DATABASE_URL: postgres.url,
    TOKEN_ENCRYPTION_KEYS: ring.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(','),
  })
}

describe('npm run tokens:rotate', () => {
  test('leaves nothing under an old key, says so, and then that the old key may go', async () => {
    await connected('1', OLD)
    await connected('2', OLD, false)
    await connected('3', NEW)
    const first = await rotate(NEW, OLD)
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toMatch(/^Encrypted anew with key "k2": 2 connections\. Run this again once/)
    expect(await readWith(NEW)).toEqual([
      { realmId: '1', access: 'access of 1', refresh: 'refresh of 1' },
      { realmId: '2', access: null, refresh: 'refresh of 2' },
      { realmId: '3', access: 'access of 3', refresh: 'refresh of 3' },
    ])
    const before = await stored()
    expect((await rotate(NEW, OLD)).stdout).toContain('No token needs "k1" any more')
    expect(await stored()).toEqual(before)
  })

  test('names a company that no key opens, leaves its tokens as they were and does the others', async () => {
    await connected('1', LOST)
    await connected('2', OLD)
    const before = await stored()
    const { exitCode, stdout } = await rotate(NEW, OLD)
    expect(exitCode).toBe(1)
    expect(stdout).toContain(
      'the tokens of company 1 were encrypted with key "k0", which TOKEN_ENCRYPTION_KEYS lacks',
    )
    const after = await stored()
    expect(after[0]).toEqual(before[0])
    expect(createTokenCipher([NEW]).decrypt('2', after[1]!.refresh)).toBe('refresh of 2')
  })

  test('says in one message what is missing, and tells no key', async () => {
    const { exitCode, stderr } = await runProgram(['src/rotate-tokens.ts'], {})
    expect(exitCode).toBe(78)
    expect(stderr).toContain('DATABASE_URL: must be set')
    expect(stderr).toContain('TOKEN_ENCRYPTION_KEYS: must be set')
    expect((await rotate(NEW, OLD)).stdout).not.toContain(NEW.key.toString('base64'))
  })

  test('keeps what a renewal saves while it waits for the row', async () => {
    await connected('1', OLD)
    const renewed = createTokenCipher([OLD]).encrypt('1', 'renewed meanwhile')
    const elsewhere = openKnex(postgres.url)
    const renewal = await elsewhere.transaction()
    await rowsOf(renewal, `SELECT FROM connections WHERE realm_id = '1' FOR UPDATE`)
    const rotating = rotateKeys(database, [NEW, OLD])
    await untilSomebodyWaits(renewal)
    await rowsOf(renewal, `UPDATE connections SET refresh_token_ciphertext = :renewed WHERE realm_id = '1'`, {
      renewed,
    })
    await renewal.commit()
    await elsewhere.destroy()
    expect(await rotating).toEqual({ connections: 1, unreadable: [] })
    expect(await readWith(NEW)).toEqual([
      { realmId: '1', access: 'access of 1', refresh: 'renewed meanwhile' },
    ])
  })
})

async function untilSomebodyWaits(trx: Knex): Promise<void> {
  for (;;) {
    // Within a transaction Postgres shows its sessions as they were when first asked.
    await trx.raw('SELECT pg_stat_clear_snapshot()')
    const waiting = await rowsOf(
      trx,
      `SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    if (waiting.length > 0) return
  }
}
