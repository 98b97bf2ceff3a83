import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ENTITIES } from '../../src/sandbox/wire.ts'
import { company, REALM, startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

let directory: string
let running: Intuit[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sandbox-'))
  running = []
})
afterEach(async () => {
  for (const intuit of running) await intuit.sandbox.stop()
  rmSync(directory, { recursive: true })
})

async function start(at = directory): Promise<Intuit> {
  const intuit = await startIntuit({ records: 120, multiCurrency: true }, at)
  running.push(intuit)
  return intuit
}

function everything({ books }: Intuit) {
  return {
    records: ENTITIES.map((type) => books.recordsText(type)),
    trial: books
      .trialBalance()
      .map(({ amount }) => amount)
      .sort(),
  }
}

const books = () => join(directory, `${REALM}.books`)

describe('a second start', () => {
  test('finds records, tombstones, balances and tokens as the first left them', async () => {
    const first = await start()
    for (let step = 0; step < 60; step += 1) first.books.step()
    const vendorId = first.books.createVendor({ name: 'Tab\there' }).Id
    const doomed = first.books.createBill({ vendorId, amount: '3' }).Id
    first.books.deleteTxn('Bill', doomed)
    first.books.putText('Bill', '{\n "Id": "9000",\t"TotalAmt": 1.50 }')
    first.books.falseTombstone('Bill', '9000')
    first.books.falseTombstone('Bill', '9001')
    first.books.put('Bill', { Id: '9001' })
    const before = everything(first)
    const token = first.sandbox.companies()[0]?.refreshToken
    const changes = (await first.cdc('Bill,Account', '2026-11-22T07:15:02-08:00')).text
    await first.sandbox.stop()

    const second = await start()
    expect(everything(second)).toEqual(before)
    expect(second.sandbox.companies()[0]?.refreshToken).toBe(token)
    expect((await second.cdc('Bill,Account', '2026-11-22T07:15:02-08:00')).text).toBe(changes)
    expect(Number(second.books.createBill({ vendorId, amount: '1' }).Id)).toBeGreaterThan(Number(doomed))
    expect(second.books.restoreAs('Bill', doomed)).toMatchObject({ TotalAmt: 3 })
  })

  test('goes on with random business where the first would have', async () => {
    const whole = await startIntuit({ records: 120, multiCurrency: true })
    running.push(whole)
    const first = await start()
    for (const intuit of [whole, first]) for (let step = 0; step < 10; step += 1) intuit.books.step()
    await first.sandbox.stop()
    const second = await start()
    for (const intuit of [whole, second]) for (let step = 0; step < 10; step += 1) intuit.books.step()
    expect(everything(second)).toEqual(everything(whole))
  })

  test('keeps a company that was added, and a revocation', async () => {
    const first = await start()
    first.sandbox.addCompany(company({ realmId: '77' }))
    const token = first.sandbox.companies()[1]?.refreshToken
    await first.sandbox.stop()
    const second = await start()
    expect(second.sandbox.companies()).toMatchObject([
      { realmId: REALM },
      { realmId: '77', refreshToken: token },
    ])
    expect(() => second.sandbox.addCompany(company({ realmId: '77' }))).toThrow('exists already')
  })
})

describe('after a kill', () => {
  test('an action whose lines were cut off never happened, and the books go on', async () => {
    const first = await start()
    const vendorId = first.books.createVendor({ name: 'Northwind' }).Id
    const before = everything(first)
    const { size } = statSync(books())
    first.books.createBill({ vendorId, amount: '10' })
    await first.sandbox.stop()
    truncateSync(books(), statSync(books()).size - 20)

    const second = await start()
    expect(everything(second)).toEqual(before)
    expect(statSync(books()).size).toBe(size)
    const bill = second.books.createBill({ vendorId, amount: '11' })
    await second.sandbox.stop()
    expect((await start()).books.record('Bill', bill.Id)).toMatchObject({ TotalAmt: 11 })
  })

  test('everything is in the file before an action is over, without a stop', async () => {
    const first = await start()
    first.books.createVendor({ name: 'Northwind' })
    const copied = mkdtempSync(join(tmpdir(), 'sandbox-copy-'))
    for (const name of [`${REALM}.books`, 'tokens.json'])
      copyFileSync(join(directory, name), join(copied, name))
    const second = await start(copied)
    expect(everything(second)).toEqual(everything(first))
    rmSync(copied, { recursive: true })
  })

  test('half a line of rubbish at the end is dropped', async () => {
    const first = await start()
    const before = everything(first)
    await first.sandbox.stop()
    appendFileSync(books(), 'P\tBill\t1\t17')
    expect(everything(await start())).toEqual(before)
  })
})

describe('compaction', () => {
  test('a start rewrites a file of which most is out of date', async () => {
    const first = await start()
    const { Id } = first.books.createVendor({ name: 'Northwind' })
    for (let time = 0; time < 400; time += 1) first.books.touch('Vendor', Id)
    const before = everything(first)
    await first.sandbox.stop()
    const grown = readFileSync(books(), 'utf8').split('\n').length
    const second = await start()
    expect(readFileSync(books(), 'utf8').split('\n').length).toBeLessThan(grown / 2)
    expect(everything(second)).toEqual(before)
    await second.sandbox.stop()
    expect(everything(await start())).toEqual(before)
  })
})
