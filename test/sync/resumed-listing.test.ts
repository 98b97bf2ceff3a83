import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { companyRow, expectAtRest, lastRun } from './invariants.ts'

describe('a run that goes on with a listing', () => {
  let mirror: TestMirror

  beforeEach(async () => {
    mirror = await startMirror()
    mirror.sandbox.faults.add({ kind: 'throttled429', entity: 'Invoice', times: 1 })
    expect(await mirror.sync()).toMatchObject({ kind: 'failed' })
  })

  afterEach(() => mirror.close())

  test('does not serve a request made since: what was changed before that request comes with one more run', async () => {
    const books = mirror.sandbox.books(REALM)
    mirror.clock.move({ minutes: 2 })
    books.renameVendor(books.records('Vendor')[0]!.Id, 'Renamed after it was listed')
    const request = await mirror.ask()
    expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: true })
    expect((await lastRun(mirror))['served_request']).toBe(request - 1)
    expect(await dumpMirror(mirror)).not.toEqual(expectedMirror(mirror))

    expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: false })
    expect((await companyRow(mirror))['served_seq']).toBe(request)
    await expectAtRest(mirror)
  })

  test('serves the request for which the listing was begun', async () => {
    mirror.clock.move({ minutes: 2 })
    expect(await mirror.run()).toMatchObject({ kind: 'finished', askedAgain: false })
    await expectAtRest(mirror)
  })
})
