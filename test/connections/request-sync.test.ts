import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { requestSync, type SyncRequest } from '../../src/connections/request-sync.ts'
import { OTHER_REALM, REALM } from '../setup/mirror.ts'
import { openConnections, type TestConnections } from './open-connections.ts'

let connections: TestConnections

beforeAll(async () => {
  connections = await openConnections([REALM, OTHER_REALM])
  await connections.seed()
})

afterAll(() => connections.close())

beforeEach(async () => {
  await connections.rows(
    `UPDATE companies SET status = 'active', requested_seq = 7, served_seq = 7, full_requested_seq = 2,
                          requested_trigger = 'schedule', not_before = NULL, not_before_code = NULL`,
  )
})

const INCREMENTAL: SyncRequest = { mode: 'incremental', trigger: 'manual' }

function request(asked: Partial<SyncRequest> = {}, realmIds = [REALM]): Promise<Map<string, number>> {
  return connections.inTransaction((tx) => requestSync(tx, realmIds, { ...INCREMENTAL, ...asked }))
}

async function companyRow(realmId = REALM): Promise<Record<string, unknown>> {
  const [row] = await connections.rows(
    `SELECT requested_seq AS seq, requested_mode AS mode, requested_trigger AS trigger, not_before IS NOT NULL AS waits,
            not_before_code AS wait
       FROM companies WHERE realm_id = :realmId`,
    { realmId },
  )
  return row!
}

describe('asking for a sync', () => {
  test('raises the number of the company and tells it', async () => {
    expect(await request()).toEqual(new Map([[REALM, 8]]))
    expect(await request({ trigger: 'webhook' })).toEqual(new Map([[REALM, 9]]))
    expect(await companyRow()).toMatchObject({ seq: 9, mode: 'incremental', trigger: 'webhook' })
    expect(await companyRow(OTHER_REALM)).toMatchObject({ seq: 7, trigger: 'schedule' })
  })

  test('for a full one wins over those that ask for less, until a run served it', async () => {
    await request({ mode: 'full' })
    await request()
    expect(await companyRow()).toMatchObject({ seq: 9, mode: 'full' })
    await connections.rows('UPDATE companies SET served_seq = 8 WHERE realm_id = :realmId', {
      realmId: REALM,
    })
    expect(await companyRow()).toMatchObject({ mode: 'incremental' })
  })

  test('at once many times loses none', async () => {
    const asked = await Promise.all(Array.from({ length: 10 }, () => request()))
    expect(asked.map((numbers) => numbers.get(REALM)).sort((a, b) => a! - b!)).toEqual([
      8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
    ])
  })

  test('in a transaction that is rolled back asks for nothing', async () => {
    const undone = connections.inTransaction(async (tx) => {
      await requestSync(tx, [REALM], INCREMENTAL)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await companyRow()).toMatchObject({ seq: 7 })
  })

  test.each([
    ['manual', 'unavailable', false],
    ['manual', 'mass_disappearance', false],
    ['manual', 'throttled', true],
    ['webhook', 'unavailable', true],
    ['recovery', 'unavailable', true],
    ['reconcile', 'unavailable', true],
  ] as const)('by %s meets a wait of %s: it stands afterwards, %s', async (trigger, code, waits) => {
    await connections.rows(
      `UPDATE companies SET not_before = now() + interval '1 day', not_before_code = :code`,
      { code },
    )
    await request({ trigger })
    expect(await companyRow()).toMatchObject({ seq: 8, waits, wait: waits ? code : null })
  })

  test.each([
    ['active', true],
    ['unavailable', true],
    ['paused', false],
    ['needs_reauth', false],
    ['disconnected', false],
  ])('of a company that is %s is answered with a number: %s', async (status, answered) => {
    await connections.rows('UPDATE companies SET status = :status WHERE realm_id = :realmId', {
      status,
      realmId: REALM,
    })
    const asked = await request({}, [REALM, OTHER_REALM, '404'])
    expect([...asked.keys()].sort()).toEqual(answered ? [REALM, OTHER_REALM] : [OTHER_REALM])
    expect(await companyRow()).toMatchObject({ seq: answered ? 8 : 7 })
  })
})
