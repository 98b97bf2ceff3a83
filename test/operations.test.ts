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
function startProcess(refuse: () => Promise<void> = () => Promise.resolve()) {
  const stop = new AbortController()
  const { log, lines } = keptLog()
  const queued = new EventTarget()
  const enqueued: (readonly string[])[] = []
  const asked = operations({
    config: toConfig({}),
    database: mirror.database,
    cipher: createTokenCipher([{ id: 'k1', key: Buffer.alloc(32, 7) }]),
    quickbooks: {} as never,
    enqueue: (_tx, realmIds) => {
      enqueued.push(realmIds)
      queued.dispatchEvent(new Event('queued'))
      return refuse()
    },
    log,
    stop: stop.signal,
  })
  return { asked, stop, lines, queued, enqueued, times: () => enqueued.length }
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

test('webhooks that come one after another queue a company once, and ask again for what came after', async () => {
  const { asked, queued, times } = startProcess()
  const told = () => asked.requestByWebhook({ companies: new Map([[REALM, 2]]), ignored: 1, unreadable: 0 })
  const first = once(queued, 'queued')
  await told()
  await told()
  expect(times()).toBe(0)
  await first
  expect(times()).toBe(1)
  const second = once(queued, 'queued')
  await told()
  await second
  expect(times()).toBe(2)
  expect(await mirror.rows('SELECT requested_seq - served_seq AS unserved FROM companies')).toEqual([
    { unserved: 4 },
  ])
  expect(await mirror.rows(COUNTED)).toEqual([
    { outcome: 'asked', total: 6 },
    { outcome: 'ignored', total: 3 },
  ])
})

test('webhooks that come while a company cannot be queued are queued by themselves', async () => {
  let isRefused = true
  const process = startProcess(async () => {
    if (!isRefused) return
    isRefused = false
    await told()
    throw new Error('the queue is away')
  })
  const told = () =>
    process.asked.requestByWebhook({ companies: new Map([[REALM, 1]]), ignored: 0, unreadable: 0 })
  const first = once(process.queued, 'queued')
  await told()
  await first
  await once(process.queued, 'queued')
  expect(process.enqueued).toEqual([[REALM], [REALM]])
  expect(process.lines('warn')).toHaveLength(1)
})

const COUNTED = `
  SELECT labels ->> 'outcome' AS outcome, total
    FROM metric_totals_now()
   WHERE metric = 'ledger_webhook_events_total'
   ORDER BY outcome`
