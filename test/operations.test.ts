import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { toConfig } from '../src/config.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { operations } from '../src/operations.ts'
import { BY_TEST } from './setup/doer.ts'
import { REALM, startMirror, type TestMirror } from './setup/mirror.ts'
import { keptLog } from './setup/kept-log.ts'

let mirror: TestMirror

beforeEach(async () => {
  mirror = await startMirror()
})

afterEach(() => mirror.close())

/** What one process would be asked for, and how often it queued a company. */
function startProcess() {
  const stop = new AbortController()
  const { log, lines } = keptLog()
  const queued = new EventTarget()
  let times = 0
  const asked = operations({
    config: toConfig({}),
    database: mirror.database,
    cipher: createTokenCipher([{ id: 'k1', key: Buffer.alloc(32, 7) }]),
    quickbooks: {} as never,
    enqueue: () => {
      times += 1
      queued.dispatchEvent(new Event('queued'))
      return Promise.resolve()
    },
    log,
    stop: stop.signal,
  })
  return { asked, stop, lines, queued, times: () => times }
}

test('a process that ends right after a request does not look at it again, and says nothing', async () => {
  const ending = startProcess()
  const staying = startProcess()
  await ending.asked.requestSync([REALM], { mode: 'incremental', by: BY_TEST })
  ending.stop.abort()
  await staying.asked.requestSync([REALM], { mode: 'incremental', by: BY_TEST })
  // The one that stays looks again, later than the other would have.
  await once(staying.queued, 'queued')
  expect(staying.times()).toBe(2)
  expect(ending.times()).toBe(1)
  expect(ending.lines()).toEqual([])
})
