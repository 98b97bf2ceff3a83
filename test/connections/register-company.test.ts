import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import {
  registerCompany,
  type RegisterOptions,
  type Registration,
} from '../../src/connections/register-company.ts'
import { LedgerError } from '../../src/domain/ledger-error.ts'
import { recordCalls } from '../../src/sync/record-calls.ts'
import { keptLog } from '../setup/kept-log.ts'
import { REALM } from '../setup/mirror.ts'
import { openConnections, type TestConnections } from './open-connections.ts'
import { BY_TEST } from '../setup/doer.ts'

const NEW = '4620816300000000501'

let connections: TestConnections
let queued: string[]
const kept = keptLog()

beforeEach(async () => {
  connections = await openConnections()
  await connections.seed()
  connections.addCompany(NEW)
  queued = []
})

afterEach(() => connections.close())

function options(given: Partial<RegisterOptions> = {}): RegisterOptions {
  const { database, cipher, quickbooks } = connections
  return {
    database,
    cipher,
    environment: 'simulator',
    recordCalls,
    log: kept.log,
    refreshTokens: (token, onCall) => quickbooks.refreshTokens(token, onCall),
    tryAccess: (realmId, accessToken, onCall) =>
      quickbooks
        .company({
          realmId,
          homeCurrency: () => null,
          accessToken: () => Promise.resolve(accessToken),
          renewAccessToken: () => Promise.reject(new LedgerError('token_expired', 'refused')),
          onCall,
          inTurn: (call) => call(),
          signal: AbortSignal.timeout(20_000),
        })
        .companyInfo(),
    enqueue: (_tx, realmIds) => {
      queued.push(...realmIds)
      return Promise.resolve()
    },
    ...given,
  }
}

function register(given: Partial<Registration> = {}, changed: Partial<RegisterOptions> = {}) {
  const realmId = given.realmId ?? NEW
  const registration = {
    realmId,
    refreshToken: connections.refreshToken(realmId),
    accessToken: null,
    accessTokenExpiresAt: null,
    name: null,
    ...given,
  }
  return registerCompany(options(changed), registration, BY_TEST)
}

/** All that is kept of companies, their connections and their calls. */
async function everything(): Promise<unknown> {
  return connections.rows(`
    SELECT (SELECT jsonb_agg(c ORDER BY realm_id) FROM companies c) AS companies,
           (SELECT jsonb_agg(c ORDER BY realm_id) FROM connections c) AS connections`)
}

function companyRow(realmId: string) {
  return connections.rows(
    `SELECT name, status, status_code, requested_seq, requested_mode, requested_trigger, served_seq, not_before,
            failures_in_a_row, failing_since, failing_code, environment
       FROM companies LEFT JOIN connections USING (realm_id) WHERE realm_id = :realmId`,
    { realmId },
  )
}

describe('registering a company', () => {
  test('keeps its tokens, names it and asks for its backfill', async () => {
    expect(await register()).toEqual({ created: true, request: 1 })
    expect(await companyRow(NEW)).toMatchObject([
      {
        name: `Company ${NEW}`,
        status: 'active',
        environment: 'simulator',
        requested_seq: 1,
        requested_mode: 'full',
        requested_trigger: 'backfill',
      },
    ])
    expect(queued).toEqual([NEW])
    expect(await connections.storedRefreshToken(NEW)).toBe(connections.refreshToken(NEW))
    const calls = connections.sandbox.calls.list().length
    await connections.openService().get(NEW, () => {})
    expect(connections.sandbox.calls.list()).toHaveLength(calls)
  })

  test('counts its calls', async () => {
    await register()
    expect(
      await connections.rows(
        'SELECT operation, status, calls, metered_calls FROM quickbooks_calls WHERE realm_id = :realmId ORDER BY 1',
        { realmId: NEW },
      ),
    ).toEqual([
      { operation: 'company_info', status: '200', calls: 1, metered_calls: 1 },
      { operation: 'refresh', status: '200', calls: 1, metered_calls: 0 },
    ])
  })

  test('takes the name that it is given', async () => {
    await register({ name: 'As the firm calls it' })
    expect(await companyRow(NEW)).toMatchObject([{ name: 'As the firm calls it' }])
  })

  test('leaves the refresh token alone while an access token comes with it', async () => {
    const { accessToken } = await connections.quickbooks.refreshTokens(connections.refreshToken(NEW))
    connections.sandbox.calls.clear()
    const expiresAt = new Date(connections.clock.now().getTime() + 3_600_000)
    expect(await register({ accessToken, accessTokenExpiresAt: expiresAt })).toMatchObject({ created: true })
    expect(connections.tokenCalls(NEW)).toEqual([])
    expect(await connections.openService().get(NEW, () => {})).toBe(accessToken)
  })

  test('renews an access token that came too late', async () => {
    const { accessToken } = await connections.quickbooks.refreshTokens(connections.refreshToken(NEW))
    connections.sandbox.calls.clear()
    const expiresAt = connections.clock.now()
    expect(await register({ accessToken, accessTokenExpiresAt: expiresAt })).toMatchObject({ created: true })
    expect(connections.tokenCalls(NEW)).toHaveLength(1)
  })

  test.each([
    ['a refresh token that Intuit refuses', { refreshToken: 'AB11 not one of theirs' }],
    [
      'an access token that Intuit refuses',
      { accessToken: 'not one of theirs', accessTokenExpiresAt: new Date('2026-11-02T11:00:00Z') },
    ],
  ])('with %s changes nothing', async (_what, given) => {
    const before = await everything()
    await expect(register(given)).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(await everything()).toEqual(before)
    expect(queued).toEqual([])
  })

  test('with the token of another company changes nothing', async () => {
    const before = await everything()
    await expect(register({ refreshToken: connections.refreshToken(REALM) })).rejects.toBeDefined()
    expect(await everything()).toEqual(before)
  })

  test('changes nothing while the token server is down', async () => {
    connections.sandbox.faults.add({ kind: 'tokenServer503' })
    const before = await everything()
    await expect(register()).rejects.toMatchObject({ code: 'unavailable' })
    expect(await everything()).toEqual(before)
  })

  test.each(['unavailable503Html', 'throttled429'] as const)(
    'keeps tokens that were just issued, though the company cannot be read now (%s)',
    async (kind) => {
      connections.clock.move({ hours: 25 })
      connections.sandbox.faults.add({ kind })
      expect(await register()).toEqual({ created: true, request: 1 })
      expect(await companyRow(NEW)).toMatchObject([{ name: null, status: 'active' }])
      expect(await connections.storedRefreshToken(NEW)).toBe(connections.refreshToken(NEW))
    },
  )

  test('leaves nothing behind when its job cannot be queued', async () => {
    const before = await everything()
    await expect(register({}, { enqueue: () => Promise.reject(new Error('no queue')) })).rejects.toThrow(
      'no queue',
    )
    expect(await everything()).toEqual(before)
  })
})

describe('replacing the tokens of a company', () => {
  test('that needed it makes it active, forgets its failures and asks for a sync', async () => {
    await connections.rows(
      `UPDATE companies
          SET status = 'needs_reauth', status_code = 'needs_reauth', requested_seq = 4, served_seq = 3,
              full_requested_seq = 1, failures_in_a_row = 2, failing_since = now(), failing_code = 'needs_reauth',
              not_before = now() + interval '1 day', not_before_code = 'unavailable'`,
    )
    expect(await register({ realmId: REALM })).toEqual({ created: false, request: 5 })
    expect(await companyRow(REALM)).toMatchObject([
      {
        status: 'active',
        status_code: null,
        requested_mode: 'incremental',
        requested_trigger: 'manual',
        failures_in_a_row: 0,
        failing_since: null,
        failing_code: null,
        not_before: null,
      },
    ])
    expect(queued).toEqual([REALM])
  })

  test('that was disconnected connects it again', async () => {
    await connections.rows(`UPDATE companies SET status = 'disconnected'`)
    await connections.rows(
      'UPDATE connections SET refresh_token_ciphertext = NULL, access_token_ciphertext = NULL',
    )
    expect(await register({ realmId: REALM })).toMatchObject({ created: false })
    expect(await companyRow(REALM)).toMatchObject([{ status: 'active' }])
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
  })

  test('that somebody paused leaves it paused, and the new tokens serve it when it is resumed', async () => {
    await connections.rows(`UPDATE companies SET status = 'paused'`)
    expect(await register({ realmId: REALM })).toEqual({ created: false, request: null })
    expect(await companyRow(REALM)).toMatchObject([{ status: 'paused' }])
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
  })

  test('keeps the name that the firm gave it, until the firm gives another', async () => {
    await register({ name: 'As the firm calls it' })
    await register()
    expect(await companyRow(NEW)).toMatchObject([{ name: 'As the firm calls it' }])
    await register({ name: 'As it calls it now' })
    expect(await companyRow(NEW)).toMatchObject([{ name: 'As it calls it now' }])
  })

  test('keeps its name while Intuit does not tell one', async () => {
    connections.sandbox.faults.add({ kind: 'unavailable503Html' })
    await register({ realmId: REALM })
    expect(await companyRow(REALM)).toMatchObject([{ name: `Company ${REALM}` }])
  })

  test('does not lift a wait that QuickBooks asked for', async () => {
    await connections.rows(
      `UPDATE companies SET not_before = now() + interval '1 day', not_before_code = 'throttled'`,
    )
    await register({ realmId: REALM })
    expect(await companyRow(REALM)).toMatchObject([{ not_before: expect.any(Date) }])
  })

  test('moves the connection to the environment of this service', async () => {
    await connections.rows(`UPDATE connections SET environment = 'sandbox'`)
    await register({ realmId: REALM })
    expect(await companyRow(REALM)).toMatchObject([{ environment: 'simulator' }])
  })

  test('by refused ones changes nothing but the count of calls', async () => {
    const before = await everything()
    await expect(register({ realmId: REALM, refreshToken: 'AB11 not one of theirs' })).rejects.toMatchObject({
      code: 'needs_reauth',
    })
    expect(await everything()).toEqual(before)
    expect(await connections.rows('SELECT realm_id, operation, status, calls FROM quickbooks_calls')).toEqual(
      [{ realm_id: REALM, operation: 'refresh', status: '400', calls: 1 }],
    )
  })
})
