import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { REALM, request, startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

let intuit: Intuit

beforeEach(async () => {
  intuit = await startIntuit({ records: 20 })
})
afterEach(() => intuit.sandbox.stop())

function control(method: string, path: string, body?: unknown) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  return request(`${intuit.sandbox.url}/sandbox${path}`, { method, ...sent })
}

describe('the control routes', () => {
  test('say what they are', async () => {
    const { status, text } = await control('GET', '')
    expect(status).toBe(200)
    expect(text).toContain('/sandbox/companies/REALM/do')
  })

  test('list and add companies', async () => {
    expect((await control('GET', '/companies')).json).toEqual(intuit.sandbox.companies())
    const added = {
      realmId: '55',
      name: 'New',
      records: 0,
      homeCurrency: 'USD',
      multiCurrency: false,
      country: 'USA',
      lively: false,
    }
    expect((await control('POST', '/companies', added)).status).toBe(201)
    expect(intuit.sandbox.companies().map(({ realmId }) => realmId)).toEqual([REALM, '55'])
  })

  test('do a named action and a random one', async () => {
    const vendor = await control('POST', `/companies/${REALM}/do`, {
      method: 'createVendor',
      args: [{ name: 'By hand' }],
    })
    expect(vendor.json).toMatchObject({ DisplayName: 'By hand' })
    expect((await control('POST', `/companies/${REALM}/step`, { steps: 3 })).json).toHaveLength(3)
    const { json } = await control('GET', `/companies/${REALM}/records/vendor`)
    expect(json).toEqual(intuit.books.records('Vendor'))
  })

  test('say what is wrong', async () => {
    const unknown = await control('POST', `/companies/${REALM}/do`, { method: 'constructor' })
    expect([unknown.status, unknown.json]).toEqual([
      400,
      { error: '"constructor" is no action with a list of args' },
    ])
    expect((await control('POST', '/companies/1/step')).json).toEqual({ error: 'there is no company 1' })
    expect((await control('POST', '/faults', { kind: 'rain' })).status).toBe(400)
  })

  test('switch faults on and off', async () => {
    const { json } = await control('POST', '/faults', { kind: 'throttled429' })
    expect(json).toEqual({ id: '1' })
    expect((await intuit.get('preferences')).status).toBe(429)
    expect((await control('GET', '/faults')).json).toMatchObject({
      faults: [{ id: '1', kind: 'throttled429' }],
    })
    expect((await control('DELETE', '/faults/1')).status).toBe(204)
    expect((await intuit.get('preferences')).status).toBe(200)
    intuit.sandbox.faults.add({ kind: 'hang' })
    await control('DELETE', '/faults')
    expect(intuit.sandbox.faults.list()).toEqual([])
  })

  test('show calls and attempts to write', async () => {
    await intuit.get('preferences')
    await intuit.post('bill', '{}')
    expect((await control('GET', `/calls?realmId=${REALM}`)).json).toMatchObject([
      { operation: 'preferences' },
      { operation: 'write' },
    ])
    expect((await control('GET', '/calls?realmId=1')).json).toEqual([])
    expect((await control('GET', '/writes')).json).toMatchObject([{ body: '{}' }])
    expect((await control('GET', `/companies/${REALM}/trial-balance`)).json).toEqual(
      intuit.books.trialBalance(),
    )
  })
})
