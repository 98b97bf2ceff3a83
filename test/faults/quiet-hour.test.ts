import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectSound } from '../sync/invariants.ts'
import { expectComplete, expectUndisturbed, playHour, register, settle } from './hour.ts'
import { startService, type Service } from './service.ts'

let service: Service

beforeAll(async () => {
  service = await startService()
})

afterAll(() => service.close())

test('in an hour without a fault each company is synced in its rhythm and nobody is late', async () => {
  const settled = ['4620816310000000001', '4620816310000000002', '4620816310000000003']
  const newcomer = '4620816310000000004'
  await settle(service, settled)
  await register(service, [newcomer])
  const hour = await playHour(service, { realmIds: [...settled, newcomer], newcomers: [newcomer] })
  for (const realmId of settled) {
    expectUndisturbed(hour.of(realmId))
    expect(hour.of(realmId).runs).toHaveLength(4)
    // One renewal, and one call a run.
    expect(hour.of(realmId).calls).toBe(5)
  }
  expectUndisturbed(hour.of(newcomer))
  for (const realmId of [...settled, newcomer]) await expectComplete(service, realmId)
  await expectSound(service.mirror)
})
