import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { seedCompanies } from '../../src/connections/seed-companies.ts'
import { OTHER_REALM, REALM } from '../setup/mirror.ts'
import { openConnections, type TestConnections } from './open-connections.ts'

let connections: TestConnections

beforeEach(async () => {
  connections = await openConnections([REALM, OTHER_REALM])
})

afterEach(() => connections.close())

function companies() {
  return connections.rows(
    `SELECT realm_id, name, status, requested_seq, requested_mode, requested_trigger, environment
       FROM companies LEFT JOIN connections USING (realm_id) ORDER BY realm_id`,
  )
}

const FRESH = {
  status: 'active',
  requested_seq: 1,
  requested_mode: 'full',
  requested_trigger: 'backfill',
  environment: 'simulator',
}

describe('seeding companies', () => {
  test('puts them in place with the tokens of the simulator and asks for their backfill', async () => {
    await connections.seed()
    expect(await companies()).toEqual([
      { realm_id: REALM, name: `Company ${REALM}`, ...FRESH },
      { realm_id: OTHER_REALM, name: `Company ${OTHER_REALM}`, ...FRESH },
    ])
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
    await connections.openService().get(REALM, () => {})
  })

  test('a second time asks for nothing, keeps their state and brings the tokens of now', async () => {
    await connections.seed()
    await connections.rows(
      `UPDATE companies SET name = 'Kept', status = 'paused', requested_seq = 5, served_seq = 5
        WHERE realm_id = :realmId`,
      { realmId: REALM },
    )
    await connections.rows(`UPDATE connections SET refresh_token_ciphertext = 'v1:test:of:other:days'`)
    await connections.seed()
    expect(await companies()).toMatchObject([
      { name: 'Kept', status: 'paused', requested_seq: 5 },
      { name: `Company ${OTHER_REALM}`, requested_seq: 1 },
    ])
    expect(await connections.storedRefreshToken()).toBe(connections.refreshToken())
  })

  test('keeps an empty token out: what was revoked is connected by nobody but a person', async () => {
    const { database, cipher } = connections
    await connections.seed()
    await connections.rows('UPDATE connections SET refresh_token_ciphertext = NULL')
    await seedCompanies({ database, cipher, environment: 'simulator' }, [
      { realmId: REALM, name: 'Revoked', refreshToken: '' },
    ])
    expect(await connections.storedRefreshToken()).toBeNull()
  })

  test('by two processes at once asks once', async () => {
    await Promise.all([connections.seed(), connections.seed()])
    expect(await companies()).toMatchObject([{ requested_seq: 1 }, { requested_seq: 1 }])
  })
})
