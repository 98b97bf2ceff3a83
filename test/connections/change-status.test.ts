import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { disconnectCompany, pauseCompany, resumeCompany } from '../../src/connections/change-status.ts'
import { recordCalls } from '../../src/sync/record-calls.ts'
import { keptLog } from '../setup/kept-log.ts'
import { REALM } from '../setup/mirror.ts'
import { openConnections, type TestConnections } from './open-connections.ts'
import { BY_TEST } from '../setup/doer.ts'

let connections: TestConnections
let queued: string[]
const kept = keptLog()

beforeEach(async () => {
  connections = await openConnections()
  await connections.seed()
  await connections.rows('UPDATE companies SET served_seq = requested_seq')
  queued = []
})

afterEach(() => connections.close())

const pause = (realmId = REALM) => pauseCompany(connections.database, realmId, BY_TEST)

const resume = (realmId = REALM) =>
  resumeCompany(
    connections.database,
    (_tx, realmIds) => {
      queued.push(...realmIds)
      return Promise.resolve()
    },
    realmId,
    BY_TEST,
  )

const disconnect = (realmId = REALM) => {
  const { database, cipher, quickbooks } = connections
  const revokeToken = quickbooks.revokeToken.bind(quickbooks)
  return disconnectCompany({ database, cipher, recordCalls, revokeToken, log: kept.log }, realmId, BY_TEST)
}

async function companyRow(): Promise<Record<string, unknown>> {
  const [row] = await connections.rows(
    `SELECT status, status_code, status_changed_at, requested_seq - served_seq AS asked, requested_trigger, not_before
       FROM companies`,
  )
  return row!
}

describe('pausing', () => {
  test('stops a company and keeps its connection', async () => {
    connections.clock.move({ hours: 1 })
    await pause()
    expect(await companyRow()).toMatchObject({
      status: 'paused',
      status_code: null,
      status_changed_at: connections.clock.now(),
    })
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
  })
})

describe('resuming', () => {
  test.each(['paused', 'needs_reauth', 'unavailable', 'active'])(
    'syncs a company again that is %s',
    async (status) => {
      await connections.rows(
        `UPDATE companies SET status = :status, status_code = 'company_unavailable',
                            not_before = now() + interval '1 day', not_before_code = 'unavailable'`,
        { status },
      )
      await resume()
      expect(await companyRow()).toMatchObject({
        status: 'active',
        status_code: null,
        asked: 1,
        requested_trigger: 'manual',
        not_before: null,
      })
      expect(queued).toEqual([REALM])
    },
  )

  test('leaves a wait alone that QuickBooks asked for', async () => {
    await pause()
    await connections.rows(
      `UPDATE companies SET not_before = now() + interval '1 day', not_before_code = 'throttled'`,
    )
    await resume()
    expect(await companyRow()).toMatchObject({
      status: 'active',
      asked: 1,
      not_before: expect.any(Date),
    })
  })
})

describe('disconnecting', () => {
  test('revokes the tokens at Intuit and forgets them here', async () => {
    const refreshToken = connections.refreshToken()
    expect(await disconnect()).toBeNull()
    expect(await companyRow()).toMatchObject({ status: 'disconnected', status_code: null })
    const [connection] = await connections.rows('SELECT * FROM connections')
    expect(connection).toMatchObject({
      access_token_ciphertext: null,
      access_token_expires_at: null,
      refresh_token_ciphertext: null,
      refresh_token_expires_at: null,
    })
    await expect(connections.quickbooks.refreshTokens(refreshToken)).rejects.toMatchObject({
      code: 'needs_reauth',
    })
    expect(await connections.rows('SELECT operation, status, calls FROM quickbooks_calls')).toEqual([
      { operation: 'revoke', status: '200', calls: 1 },
    ])
  })

  test('forgets the tokens whatever Intuit says, and tells what it said', async () => {
    connections.sandbox.faults.add({ kind: 'tokenServer503', operation: 'revoke' })
    expect(await disconnect()).toContain('503')
    expect(await companyRow()).toMatchObject({ status: 'disconnected' })
    expect(await connections.storedRefreshToken()).toBeNull()
  })

  test('forgets tokens that cannot be decrypted any more', async () => {
    await connections.rows(`UPDATE connections SET refresh_token_ciphertext = 'v1:lost:a:b:c'`)
    expect(await disconnect()).toContain('key "lost"')
    expect(await companyRow()).toMatchObject({ status: 'disconnected' })
    expect(connections.sandbox.calls.list()).toEqual([])
  })

  test('a second time has nothing left to revoke', async () => {
    await disconnect()
    connections.sandbox.calls.clear()
    expect(await disconnect()).toBeNull()
    expect(connections.sandbox.calls.list()).toEqual([])
  })

  test('waits for a refresh under way and revokes what that brought', async () => {
    connections.clock.move({ hours: 25 })
    const disconnecting: Promise<string | null>[] = []
    const tokens = connections.openService(async (refreshToken, onCall) => {
      disconnecting.push(disconnect())
      return connections.quickbooks.refreshTokens(refreshToken, onCall)
    })
    await tokens.get(REALM, () => {})
    expect(await Promise.all(disconnecting)).toEqual([null])
    expect(await connections.storedRefreshToken()).toBeNull()
    expect(connections.refreshToken()).toBe('')
  })

  test('cannot be undone by resuming or pausing', async () => {
    await disconnect()
    for (const change of [pause, resume]) {
      await expect(change()).rejects.toMatchObject({ code: 'company_inactive' })
    }
    expect(await companyRow()).toMatchObject({ status: 'disconnected', asked: 0 })
    expect(queued).toEqual([])
  })
})

test.each([
  ['pausing', (realmId: string) => pause(realmId)],
  ['resuming', (realmId: string) => resume(realmId)],
  ['disconnecting', (realmId: string) => disconnect(realmId)],
])('%s a company that nobody registered is refused', async (_what, change) => {
  await expect(change('404')).rejects.toMatchObject({ code: 'not_found' })
})
