import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { rowsOf } from '../src/db/database.ts'
import { startSandbox, type Sandbox } from '../src/sandbox/sandbox.ts'
import { company, OTHER_REALM, REALM } from './setup/mirror.ts'
import { runProgram } from './setup/run-program.ts'
import { createTestDatabase, type TestDatabase } from './setup/test-database.ts'
import { openKnex } from './setup/open-knex.ts'

const key = Buffer.alloc(32, 3)
const credentials = { clientId: 'seed-app', clientSecret: 'seed-app-secret' }

let database: TestDatabase
let knex: Knex
let sandbox: Sandbox

beforeAll(async () => {
  database = await createTestDatabase()
  knex = openKnex(database.url)
  sandbox = await startSandbox({
    port: 0,
    directory: null,
    now: () => Date.UTC(2026, 10, 2),
    seed: 7,
    companies: [
      company({ records: 0 }),
      company({ realmId: OTHER_REALM, name: 'Second Company', records: 0 }),
    ],
    ...credentials,
    activityIntervalMs: null,
  })
})

afterAll(async () => {
  await sandbox.stop()
  await knex.destroy()
  await database.drop()
})

function simulatorEnv(): Record<string, string> {
  return {
    DATABASE_URL: database.url,
    QBO_API_BASE_URL: sandbox.apiBaseUrl,
    QBO_CLIENT_ID: credentials.clientId,
    QBO_CLIENT_SECRET: credentials.clientSecret,
    TOKEN_ENCRYPTION_KEYS: `first:${key.toString('base64')}`,
  }
}

function seed(env: Record<string, string>) {
  return runProgram(['src/seed.ts'], env)
}

describe('npm run seed', () => {
  test('connects the companies of a running simulator and asks for their first run, once', async () => {
    expect(await seed(simulatorEnv())).toEqual({
      exitCode: 0,
      stdout: 'Companies of the simulator in place: 2.\n',
      stderr: '',
    })
    expect(await seed(simulatorEnv())).toMatchObject({ exitCode: 0, stderr: '' })

    const rows = await rowsOf<{ realmId: string; name: string; environment: string; asked: number }>(
      knex,
      `SELECT realm_id AS "realmId", name, environment, requested_mode AS mode, requested_seq AS asked
         FROM companies JOIN connections USING (realm_id) ORDER BY realm_id`,
    )
    expect(rows).toEqual([
      { realmId: REALM, name: 'Juniper Instruments', environment: 'sandbox', mode: 'full', asked: 1 },
      { realmId: OTHER_REALM, name: 'Second Company', environment: 'sandbox', mode: 'full', asked: 1 },
    ])
    const [kept] = await rowsOf<{ ciphertext: string }>(
      knex,
      'SELECT refresh_token_ciphertext AS ciphertext FROM connections WHERE realm_id = :realmId',
      { realmId: REALM },
    )
    const cipher = createTokenCipher([{ id: 'first', key }])
    expect(cipher.decrypt(REALM, kept!.ciphertext)).toBe(sandbox.companies()[0]!.refreshToken)
  })

  test('says what to do where no simulator answers', async () => {
    const ended = await seed({ ...simulatorEnv(), QBO_API_BASE_URL: `${sandbox.url}/nothing-here` })
    expect(ended).toMatchObject({ exitCode: 1, stdout: '' })
    expect(ended.stderr).toBe(
      `No simulator answers at ${sandbox.url}/nothing-here/sandbox/companies: start one with npm run sandbox.\n`,
    )
  })

  test('says what is missing where the environment names no simulator', async () => {
    const ended = await seed({ DATABASE_URL: database.url })
    expect(ended).toMatchObject({ exitCode: 78, stdout: '' })
    expect(ended.stderr).toContain('npm run sandbox starts one and prints them')
  })

  test('does nothing in production', async () => {
    const ended = await seed({ ...simulatorEnv(), NODE_ENV: 'production' })
    expect(ended).toMatchObject({ exitCode: 78, stdout: '' })
    expect(ended.stderr).toContain('demo companies are not for production')
  })

  test('wants a database', async () => {
    const ended = await seed({ ...simulatorEnv(), DATABASE_URL: '' })
    expect(ended).toMatchObject({ exitCode: 78, stdout: '' })
    expect(ended.stderr).toContain('DATABASE_URL: must be set')
  })
})
