import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import type { OnCall } from '../../src/connections/access-tokens.ts'
import type { QuickBooksCall } from '../../src/domain/quickbooks-call.ts'
import { REALM } from '../setup/mirror.ts'
import { openConnections, type RefreshTokens, type TestConnections } from './open-connections.ts'

const NOBODY: OnCall = () => {}

let connections: TestConnections

beforeEach(async () => {
  connections = await openConnections()
  await connections.seed()
})

afterEach(() => connections.close())

describe('an access token', () => {
  test('is fetched once and then held while it is good for two more minutes', async () => {
    const tokens = connections.openService()
    const first = await tokens.get(REALM, NOBODY)
    connections.clock.move({ minutes: 58 })
    expect(await tokens.get(REALM, NOBODY)).toBe(first)
    expect(connections.tokenCalls()).toHaveLength(1)
  })

  test('is renewed when less than two minutes of it are left', async () => {
    const tokens = connections.openService()
    const first = await tokens.get(REALM, NOBODY)
    connections.clock.move({ minutes: 58, ms: 1 })
    expect(await tokens.get(REALM, NOBODY)).not.toBe(first)
    expect(connections.tokenCalls()).toHaveLength(2)
  })

  test('is stored encrypted, and another process uses it', async () => {
    const token = await connections.openService().get(REALM, NOBODY)
    expect(await connections.openService().get(REALM, NOBODY)).toBe(token)
    expect(connections.tokenCalls()).toHaveLength(1)
    const [row] = await connections.rows('SELECT to_jsonb(c)::text AS text FROM connections c')
    expect(row!.text).not.toContain(token)
    expect(row!.text).not.toContain(connections.refreshToken())
  })

  test('tells its caller of the call that it cost', async () => {
    const calls: QuickBooksCall[] = []
    const tokens = connections.openService()
    await tokens.get(REALM, (call) => calls.push(call))
    await tokens.get(REALM, (call) => calls.push(call))
    expect(calls).toMatchObject([{ operation: 'refresh', status: '200', metered: false }])
  })
})

describe('tokens that live a minute and lose their old value with each refresh', () => {
  test('are lost by neither of two processes that renew them at once, again and again', async () => {
    connections.sandbox.setTokenPolicy({ accessLifeSeconds: 60, replacesAtOnce: true })
    const services = [connections.openService(), connections.openService()]
    for (let round = 0; round < 10; round += 1) {
      const asked = [...services, ...services].map((tokens) => tokens.get(REALM, NOBODY))
      await expect(Promise.all(asked)).resolves.toHaveLength(4)
      connections.clock.move({ minutes: 2 })
    }
    expect(connections.tokenCalls().map(({ status }) => status)).toEqual(Array(40).fill(200))
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
  })
})

describe('a refresh', () => {
  /**
   * Asks Intuit only when another caller has come as far: it waits for the row, or it asks too, which is the defect
   * that is looked for.
   */
  function patient(): RefreshTokens {
    let asked = 0
    return async (refreshToken, onCall) => {
      asked += 1
      while (asked < 2 && !(await somebodyWaits())) continue
      return connections.quickbooks.refreshTokens(refreshToken, onCall)
    }
  }

  async function somebodyWaits(): Promise<boolean> {
    const waiting = await connections.rows(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return waiting.length > 0
  }

  test('happens once for twenty callers at once', async () => {
    const tokens = connections.openService(patient())
    const got = await Promise.all(Array.from({ length: 20 }, () => tokens.get(REALM, NOBODY)))
    expect(new Set(got).size).toBe(1)
    expect(connections.tokenCalls()).toHaveLength(1)
  })

  test('happens once for two processes at once', async () => {
    const refreshTokens = patient()
    const processes = [connections.openService(refreshTokens), connections.openService(refreshTokens)]
    const got = await Promise.all(processes.map((tokens) => tokens.get(REALM, NOBODY)))
    expect(new Set(got).size).toBe(1)
    expect(connections.tokenCalls()).toHaveLength(1)
  })

  test('keeps the refresh token that Intuit gives in place of the old one', async () => {
    const tokens = connections.openService()
    const first = connections.refreshToken()
    for (let day = 1; day <= 3; day += 1) {
      connections.clock.move({ hours: 25 })
      await tokens.get(REALM, NOBODY)
      expect(connections.refreshToken()).not.toBe(first)
      expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
    }
  })

  test('whose answer got lost is made good by the next one', async () => {
    connections.clock.move({ hours: 25 })
    connections.sandbox.faults.add({ kind: 'tokenLostResponse', times: 1 })
    const tokens = connections.openService()
    await expect(tokens.get(REALM, NOBODY)).rejects.toMatchObject({ code: 'unavailable' })
    await tokens.get(REALM, NOBODY)
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
  })

  test('that Intuit refuses is not tried again', async () => {
    connections.sandbox.faults.add({ kind: 'invalidGrant' })
    await expect(connections.openService().get(REALM, NOBODY)).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(connections.tokenCalls()).toHaveLength(1)
  })

  test('that fails leaves the connection as it was', async () => {
    const before = await connections.rows('SELECT * FROM connections')
    connections.sandbox.faults.add({ kind: 'tokenServer503', times: 1 })
    await expect(connections.openService().get(REALM, NOBODY)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await connections.rows('SELECT * FROM connections')).toEqual(before)
  })

  test('happens for two companies at a time and no more, and holds up nobody with a good token', async () => {
    const realmIds = Array.from({ length: 6 }, (_, at) => `462081630000000040${at}`)
    for (const realmId of realmIds) connections.addCompany(realmId)
    await connections.seed()
    let [underWay, most, done] = [0, 0, 0]
    const tokens = connections.openService(async (refreshToken, onCall) => {
      underWay += 1
      most = Math.max(most, underWay)
      try {
        // The first waits for a second; then many turns of the same pool let a third come here, if one may.
        while (underWay < 2 && done < realmIds.length - 1) await tokens.get(REALM, NOBODY)
        for (let turn = 0; turn < 50; turn += 1) await tokens.get(REALM, NOBODY)
        return await connections.quickbooks.refreshTokens(refreshToken, onCall)
      } finally {
        underWay -= 1
        done += 1
      }
    })
    await connections.openService().get(REALM, NOBODY)
    await Promise.all(realmIds.map((realmId) => tokens.get(realmId, NOBODY)))
    expect(most).toBe(2)
  })
})

describe('a save that fails', () => {
  /** Ends every connection that stands in a transaction, and waits until it is gone. */
  async function cutTransactions(): Promise<number> {
    const [{ name }] = (await connections.rows(`SELECT current_database() AS name`)) as [{ name: string }]
    const server = new URL(process.env.TEST_POSTGRES_URL!)
    server.pathname = `/${name}`
    const client = new pg.Client({ connectionString: server.toString() })
    await client.connect()
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'`,
    )
    await client.end()
    return rowCount ?? 0
  }

  test('because its connection died is tried again on another: the rotated token is not lost', async () => {
    connections.clock.move({ hours: 25 })
    const cut: number[] = []
    const tokens = connections.openService(async (refreshToken, onCall) => {
      const answer = await connections.quickbooks.refreshTokens(refreshToken, onCall)
      cut.push(await cutTransactions())
      return answer
    })
    const token = await tokens.get(REALM, NOBODY)
    expect(cut).toEqual([1])
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
    expect(await tokens.get(REALM, NOBODY)).toBe(token)
    expect(connections.tokenCalls()).toHaveLength(1)
  })

  test('does not overwrite tokens that the company was given meanwhile', async () => {
    const tokens = connections.openService(async (refreshToken, onCall) => {
      const answer = await connections.quickbooks.refreshTokens(refreshToken, onCall)
      await cutTransactions()
      await connections.rows(`UPDATE connections SET refresh_token_ciphertext = :ciphertext`, {
        ciphertext: connections.cipher.encrypt(REALM, 'given meanwhile'),
      })
      return answer
    })
    await tokens.get(REALM, NOBODY)
    expect(await connections.storedRefreshToken()).toBe('given meanwhile')
  })

  test('is tried again also where the old token was only encrypted anew meanwhile', async () => {
    connections.clock.move({ hours: 25 })
    const old = connections.refreshToken()
    const tokens = connections.openService(async (refreshToken, onCall) => {
      const answer = await connections.quickbooks.refreshTokens(refreshToken, onCall)
      await cutTransactions()
      await connections.rows(`UPDATE connections SET refresh_token_ciphertext = :ciphertext`, {
        ciphertext: connections.cipher.encrypt(REALM, old),
      })
      return answer
    })
    await tokens.get(REALM, NOBODY)
    expect(connections.refreshToken()).not.toBe(old)
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
  })

  test('for good is told as something that passes, and without the tokens', async () => {
    await connections.rows(`ALTER TABLE connections ADD CHECK (access_token_ciphertext IS NULL)`)
    const error = (await connections
      .openService()
      .get(REALM, NOBODY)
      .catch((thrown: unknown) => thrown)) as Error
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(error.message).not.toContain(connections.refreshToken())
  })
})

describe('renewing', () => {
  test('gives another token than the one that was refused', async () => {
    const tokens = connections.openService()
    const stale = await tokens.get(REALM, NOBODY)
    const renewed = await tokens.renew(REALM, stale, NOBODY)
    expect(renewed).not.toBe(stale)
    expect(await tokens.get(REALM, NOBODY)).toBe(renewed)
  })

  test('costs no call when another process has done it', async () => {
    const [one, other] = [connections.openService(), connections.openService()]
    const stale = await one.get(REALM, NOBODY)
    const renewed = await one.renew(REALM, stale, NOBODY)
    expect(await other.renew(REALM, stale, NOBODY)).toBe(renewed)
    expect(connections.tokenCalls()).toHaveLength(2)
  })

  test('by twenty callers at once costs one call', async () => {
    const tokens = connections.openService()
    const stale = await tokens.get(REALM, NOBODY)
    const renewed = await Promise.all(Array.from({ length: 20 }, () => tokens.renew(REALM, stale, NOBODY)))
    expect(new Set(renewed).size).toBe(1)
    expect(connections.tokenCalls()).toHaveLength(2)
  })
})

describe('without a usable connection no call is made', () => {
  test.each([
    ['of another environment', `UPDATE connections SET environment = 'production'`, 'wrong_environment'],
    ['that is missing', 'DELETE FROM connections', 'needs_reauth'],
    ['without a refresh token', 'UPDATE connections SET refresh_token_ciphertext = NULL', 'needs_reauth'],
    [
      'whose bytes are not ours',
      `UPDATE connections SET refresh_token_ciphertext = 'v1:test:AAAA:AAAA:AAAA'`,
      'token_unreadable',
    ],
    [
      'of a key that is gone',
      `UPDATE connections SET refresh_token_ciphertext = 'v1:gone:AAAA:AAAA:AAAA'`,
      'token_unreadable',
    ],
  ])('%s', async (_what, spoil, code) => {
    await connections.rows(spoil)
    for (const ask of ['get', 'renew'] as const) {
      const tokens = connections.openService()
      const asked = ask === 'get' ? tokens.get(REALM, NOBODY) : tokens.renew(REALM, 'stale', NOBODY)
      await expect(asked).rejects.toMatchObject({ code, details: {} })
    }
    expect(connections.sandbox.calls.list()).toEqual([])
  })
})
