import { afterEach, describe, expect, test } from '@jest/globals'
import { forgetSettingsPause } from '../../src/connections/service-state.ts'
import { whatToDo } from '../../src/domain/what-to-do.ts'
import { company, startMirror, type TestMirror } from '../setup/mirror.ts'
import { keptLog } from '../setup/kept-log.ts'
import { companyRow, expectSound, lastRun } from './invariants.ts'

const REALMS = Array.from({ length: 7 }, (_, at) => `462081630000000030${at}`)

let mirror: TestMirror

afterEach(async () => {
  await expectSound(mirror)
  await mirror.close()
})

async function start(): Promise<void> {
  mirror = await startMirror({
    companies: REALMS.map((realmId) => company({ realmId, records: 0 })),
    log: keptLog().log,
  })
}

const SPOILT = {
  token_unreadable: {
    spoil: `UPDATE connections SET refresh_token_ciphertext = replace(refresh_token_ciphertext, 'v1:test:', 'v1:gone:')`,
    mend: `UPDATE connections SET refresh_token_ciphertext = replace(refresh_token_ciphertext, 'v1:gone:', 'v1:test:')`,
    says: 'key "gone", which TOKEN_ENCRYPTION_KEYS lacks',
    variable: 'TOKEN_ENCRYPTION_KEYS',
  },
  wrong_environment: {
    spoil: `UPDATE connections SET environment = 'production'`,
    mend: `UPDATE connections SET environment = 'simulator'`,
    says: 'in the production environment and QBO_ENVIRONMENT is simulator',
    variable: 'QBO_ENVIRONMENT',
  },
} as const

describe.each(['token_unreadable', 'wrong_environment'] as const)('a connection with %s', (code) => {
  const { spoil, mend, says, variable } = SPOILT[code]
  const spoilAll = (realmIds: readonly string[]) =>
    mirror.rows(`${spoil} WHERE realm_id = ANY (string_to_array(:realmIds, ','))`, {
      realmIds: realmIds.join(','),
    })

  test('is its company’s own trouble: it waits, names the setting, and nobody else does', async () => {
    await start()
    const [sick, ...healthy] = REALMS as [string, ...string[]]
    await spoilAll([sick])
    expect(await mirror.sync(sick)).toMatchObject({ kind: 'failed', error: { code } })
    for (const realmId of healthy) expect(await mirror.sync(realmId)).toMatchObject({ kind: 'finished' })
    expect(await pausedCode()).toBeNull()
    expect(await lastRun(mirror, sick)).toMatchObject({ error_message: expect.stringContaining(says) })
    expect(await companyRow(mirror, sick)).toMatchObject({
      status: 'active',
      failing_code: code,
      not_before_code: code,
    })
    expect(whatToDo(code)).toContain(variable)
    expect(mirror.sandbox.calls.list().filter(({ realmId }) => realmId === sick)).toEqual([])
  })

  test('stops nobody in a queue that begins with many of them', async () => {
    await start()
    await spoilAll(REALMS.slice(0, 6))
    for (const round of [1, 2, 3]) {
      for (const realmId of REALMS.slice(0, 6)) {
        await mirror.ask(realmId)
        expect({ round, ...(await mirror.run(realmId)) }).toMatchObject({ kind: 'failed', error: { code } })
      }
      mirror.clock.move({ hours: 1 })
    }
    expect(await pausedCode()).toBeNull()
    expect(await mirror.sync(REALMS[6])).toMatchObject({ kind: 'finished' })
  })

  test('of every company is told by each, and is over with the next start with the right settings', async () => {
    await start()
    await spoilAll(REALMS)
    for (const realmId of REALMS) await mirror.sync(realmId)
    expect(await pausedCode()).toBeNull()
    const failing = await mirror.rows('SELECT DISTINCT failing_code AS code, status FROM companies')
    expect(failing).toEqual([{ code, status: 'active' }])
    await mirror.rows(mend)
    await forgetSettingsPause(mirror.database.knex, mirror.clock.now())
    for (const realmId of REALMS) expect(await mirror.run(realmId)).toMatchObject({ kind: 'finished' })
  })
})

describe('a service-wide stop', () => {
  test('does not come of refusals of many between which others were read', async () => {
    await start()
    for (const realmId of REALMS) await mirror.sync(realmId)
    for (const realmId of REALMS.slice(0, 5)) mirror.sandbox.faults.add({ kind: 'auth100', realmId })
    for (const realmId of REALMS.slice(0, 4)) await mirror.sync(realmId)
    for (const realmId of REALMS.slice(5)) await mirror.sync(realmId)
    await mirror.sync(REALMS[4])
    expect(await pausedCode()).toBeNull()
    expect(await companyRow(mirror, REALMS[4])).toMatchObject({ status: 'active' })
  })

  test('does not last as long as QuickBooks asked one company to wait', async () => {
    await start()
    for (const realmId of REALMS.slice(0, 5)) {
      mirror.sandbox.faults.add({ kind: 'throttled429', realmId, retryAfterSeconds: 86_400, times: 1 })
      await mirror.sync(realmId)
    }
    expect(await pausedCode()).toBe('throttled')
    mirror.clock.move({ minutes: 6 })
    expect(await mirror.sync(REALMS[6])).toMatchObject({ kind: 'finished' })
  })

  test('blames no company for a success whose last call was made before the refusals', async () => {
    await start()
    for (const realmId of REALMS) await mirror.sync(realmId)
    mirror.sandbox.faults.add({ kind: 'auth100' })
    mirror.clock.move({ minutes: 1 })
    await mirror.ask(REALMS[0])
    await mirror.run(REALMS[0])
    // As of a run that had its answer and was only being written when the first refusal came.
    await mirror.rows(`UPDATE companies SET last_success_at = :at WHERE realm_id = :realmId`, {
      realmId: REALMS[1]!,
      at: new Date(mirror.clock.now().getTime() + 500).toISOString(),
    })
    await mirror.sync(REALMS[0])
    expect(await companyRow(mirror, REALMS[0])).toMatchObject({ status: 'active' })
  })
})

async function pausedCode(): Promise<string | null> {
  const [state] = await mirror.rows<{ code: string | null }>(
    'SELECT calls_paused_code AS code FROM service_state',
  )
  return state!.code
}
