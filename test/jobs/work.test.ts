import { once } from 'node:events'
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { PgBoss } from 'pg-boss'
import { performSync } from '../../src/jobs/perform-sync.ts'
import { keptLog } from '../setup/kept-log.ts'
import { DEAD_LETTER_QUEUE, HOUSEKEEPING_QUEUE, SYNC_QUEUE, TICK_QUEUE } from '../../src/jobs/queues.ts'
import { workHousekeeping, workSyncs, workTicks } from '../../src/jobs/work.ts'
import { createLog } from '../../src/log.ts'
import { JOBS, openQueue, type JobRow, type TestQueue } from './open-queue.ts'

let queue: TestQueue
let sender: PgBoss
let worker: PgBoss

beforeEach(async () => {
  queue = await openQueue()
  sender = await queue.start('sends')
  worker = await queue.start('works')
})

afterEach(() => queue.close())

const jobs = (name: string = SYNC_QUEUE) =>
  queue.rows<JobRow>(`SELECT * FROM (${JOBS}) j WHERE name = :name`, { name })

/** Counts what was performed and tells when a number of it was reached. */
function counter() {
  const done: string[] = []
  const events = new EventEmitter()
  return {
    done,
    note(realmId: string) {
      done.push(realmId)
      events.emit(String(done.length))
    },
    reached: (count: number) => (done.length >= count ? Promise.resolve() : once(events, String(count))),
  }
}

/** Waits until a query gives a row. */
async function until(sql: string): Promise<void> {
  while ((await queue.rows(sql)).length === 0) continue
}

describe('the loops over the queue of companies', () => {
  // Each loop that slept once between two jobs would need minutes: pg-boss' own sleep is 5 s here.
  test('do not sleep while jobs wait', async () => {
    const realmIds = Array.from({ length: 200 }, (_, at) => String(1000 + at))
    await queue.send(sender, realmIds)
    const performed = counter()
    await workSyncs(worker, 4, (realmId) => Promise.resolve(performed.note(realmId)))
    await performed.reached(200)
    expect(performed.done.sort()).toEqual(realmIds)
    await until(
      `SELECT 1 WHERE NOT EXISTS (SELECT FROM pgboss.job WHERE name = '${SYNC_QUEUE}' AND state <> 'completed')`,
    )
  }, 30_000)

  // By polling, every one of these would wait for the end of a 5 s sleep.
  test('are woken by a request that another process sends', async () => {
    const performed = counter()
    await workSyncs(worker, 1, (realmId) => Promise.resolve(performed.note(realmId)))
    for (let request = 1; request <= 12; request += 1) {
      await queue.send(sender, [String(request)])
      await performed.reached(request)
      await until(`SELECT 1 FROM pgboss.job WHERE singleton_key = '${request}' AND state = 'completed'`)
    }
    expect(performed.done).toEqual(Array.from({ length: 12 }, (_, at) => String(at + 1)))
  }, 20_000)

  test('work on as many companies at once as there are loops', async () => {
    let [underWay, most] = [0, 0]
    const gate = new EventEmitter()
    const performed = counter()
    await workSyncs(worker, 3, async (realmId) => {
      underWay += 1
      most = Math.max(most, underWay)
      if (underWay === 3) gate.emit('open')
      else if (performed.done.length === 0) await once(gate, 'open')
      underWay -= 1
      performed.note(realmId)
    })
    await queue.send(
      sender,
      Array.from({ length: 9 }, (_, at) => String(at)),
    )
    await performed.reached(9)
    expect(most).toBe(3)
  })
})

describe('a defect', () => {
  const SECRET = 'AB11-secret-refresh-token'

  test('is tried again three times and ends in the dead-letter queue without a secret; its company waits', async () => {
    const realmId = '4620816300000000701'
    await queue.addCompanies([realmId])
    const attempts = counter()
    await workSyncs(worker, 1, async (realm, last) => {
      if (realm !== realmId) return
      const defect = Object.assign(new Error(`Bearer ${SECRET}`), {
        config: { headers: { Authorization: SECRET } },
      })
      const run = () => Promise.reject(defect)
      const stop = new AbortController().signal
      await performSync(
        { database: queue.database, intervalSeconds: 900, run, log: keptLog().log },
        { realmId, last, stop },
      ).finally(() => attempts.note(String(last)))
    })
    await queue.send(sender, [realmId])
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await attempts.reached(attempt)
      if (attempt === 4) break
      await until(`SELECT 1 FROM pgboss.job WHERE singleton_key = '${realmId}' AND state = 'retry'`)
      await queue.rows(`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`)
      // A retry that is due is found by polling; another job's bell wakes the loop now.
      await queue.send(sender, [`bell-${attempt}`])
    }
    await until(`SELECT 1 FROM pgboss.job WHERE name = '${DEAD_LETTER_QUEUE}'`)
    expect(attempts.done).toEqual(['false', 'false', 'false', 'true'])
    expect(await jobs(DEAD_LETTER_QUEUE)).toMatchObject([{ data: { realmId }, state: 'created' }])
    const [everything] = await queue.rows<{ text: string }>(
      'SELECT jsonb_agg(to_jsonb(j))::text AS text FROM pgboss.job j',
    )
    expect(everything!.text).toContain(`the sync of company ${realmId} failed: internal`)
    expect(everything!.text).not.toContain(SECRET)
    expect(await queue.rows('SELECT not_before_code AS code FROM companies')).toEqual([{ code: 'internal' }])

    // Its key is free again: the next tick may queue the company.
    await queue.send(sender, [realmId])
    await attempts.reached(5)
  })
})

describe('a job whose worker was killed', () => {
  test('keeps its company out of the queue until its heartbeat is missed, and then comes back', async () => {
    await queue.send(sender, ['1'])
    // Taken by hand: nothing beats for it, as for a process that is gone.
    await sender.fetch(SYNC_QUEUE)
    await queue.send(sender, ['1'])
    await worker.supervise(SYNC_QUEUE)
    expect(await jobs()).toMatchObject([{ key: '1', state: 'active' }])

    await queue.rows(`UPDATE pgboss.job SET heartbeat_on = now() - interval '41 seconds'`)
    await queue.rows('UPDATE pgboss.queue SET monitor_on = NULL, monitor_claim_on = NULL')
    await worker.supervise(SYNC_QUEUE)
    expect(await jobs()).toMatchObject([{ key: '1', state: 'retry' }])

    await queue.rows(`UPDATE pgboss.job SET start_after = now()`)
    const performed = counter()
    await workSyncs(worker, 1, (realmId) => Promise.resolve(performed.note(realmId)))
    await performed.reached(1)
    expect(performed.done).toEqual(['1'])
  })
})

describe('the clockwork', () => {
  test('beats on the minute, one beat at a time', async () => {
    const performed = counter()
    await workTicks(worker, keptLog().log, () => Promise.resolve(performed.note('tick')))
    expect(await worker.getSchedules(TICK_QUEUE)).toMatchObject([{ cron: '* * * * *' }])
    expect(await sender.send(TICK_QUEUE)).not.toBeNull()
    await performed.reached(1)
  })

  test.each([
    ['tick', TICK_QUEUE],
    ['housekeeping', HOUSEKEEPING_QUEUE],
  ])('tells the log of a %s that failed, and the queue as well', async (name, queueName) => {
    const { log, lines } = keptLog()
    const fail = () => Promise.reject(new Error(`no ${name} today`))
    await sender.send(queueName)
    if (queueName === TICK_QUEUE) await workTicks(worker, log, fail)
    else await workHousekeeping(worker, log, fail)
    await until(`SELECT FROM pgboss.job WHERE name = '${queueName}' AND state = 'failed'`)
    expect(lines('error')).toMatchObject([
      { message: `${name} failed`, error: { message: `no ${name} today` } },
    ])
  })

  test('cleans up once an hour', async () => {
    const performed = counter()
    const log = createLog({ level: 'error', format: 'json', secrets: () => [] })
    await sender.send(HOUSEKEEPING_QUEUE)
    await workHousekeeping(worker, log, () => {
      performed.note('cleaned')
      return Promise.resolve({ runs: 0, callDays: 0, payloads: 0, tombstones: 0 })
    })
    expect(await worker.getSchedules(HOUSEKEEPING_QUEUE)).toMatchObject([{ cron: '17 * * * *' }])
    await performed.reached(1)
  })
})
