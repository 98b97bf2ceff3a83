import { afterEach, describe, expect, test } from '@jest/globals'
import { company, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'

let mirror: TestMirror
/** What QuickBooks calls the company. */
let nameThere: string

afterEach(() => mirror.close())

async function start(): Promise<void> {
  nameThere = 'Juniper Instruments, Inc.'
  mirror = await startMirror({
    companies: [company({ records: 0 })],
    wrapReader: (reader) => ({
      ...reader,
      companyInfo: async () => ({ ...(await reader.companyInfo()), name: nameThere }),
    }),
  })
}

async function name(): Promise<unknown> {
  const [row] = await mirror.rows(`SELECT name FROM companies WHERE realm_id = '${REALM}'`)
  return row!['name']
}

describe('the name of a company', () => {
  test('that the firm gave stays, whatever QuickBooks calls it', async () => {
    await start()
    await mirror.rows(`UPDATE companies SET name = 'Juniper', set_by_firm = '{name}'`)
    await mirror.sync()
    expect(await name()).toBe('Juniper')
    nameThere = 'Juniper Group'
    await mirror.sync(REALM, { mode: 'full' })
    expect(await name()).toBe('Juniper')
  })

  test('that nobody gave is QuickBooks’ own, and follows it', async () => {
    await start()
    await mirror.rows(`UPDATE companies SET name = NULL, set_by_firm = '{}'`)
    await mirror.sync()
    expect(await name()).toBe('Juniper Instruments, Inc.')
    nameThere = 'Juniper Group'
    await mirror.sync(REALM, { mode: 'full' })
    expect(await name()).toBe('Juniper Group')
  })

  test('of a seeded company is what the seed says', async () => {
    await start()
    await mirror.sync()
    expect(await name()).toBe('Juniper Instruments')
  })
})
