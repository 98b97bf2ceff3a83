import { PgBoss } from 'pg-boss'
import { connectionOf } from '../src/db/connect.ts'
import { bossSettings, createBoss, type BossOptions } from '../src/jobs/boss.ts'
import { workSyncs } from '../src/jobs/work.ts'
import { createLog } from '../src/log.ts'
import { ownCpuSeconds } from './cpu-clock.ts'
import {
  monotonicMs,
  type QueueWay,
  type QueueWorkerQuestion,
  type QueueWorkerSpec,
  type QueueWorkerUsage,
} from './queue-spec.ts'

/** The service's worker with nothing to do for a job, so that all that shows is the queue. */
const { url, applicationName, concurrency, way } = JSON.parse(process.argv[2] ?? '') as QueueWorkerSpec
const log = createLog({ level: 'error', format: 'json', secrets: () => [] })
const boss = open({
  connection: connectionOf(url, 'off'),
  applicationName,
  schedules: false,
  works: true,
  migrates: false,
  log,
})
let started: { realmId: string; atMs: number }[] = []
let answerWhenDue = (): void => undefined

process.on('message', ({ handled }: QueueWorkerQuestion) => {
  answerWhenDue = () => {
    if (started.length < handled) return
    answerWhenDue = () => undefined
    tell()
  }
  answerWhenDue()
})
// Nothing outlives the bench that started it, however that ended.
process.once('disconnect', () => process.exit())
process.once('SIGTERM', () => void boss.stop({ graceful: false }).then(() => process.exit(0)))
await boss.start()
await workSyncs(changed(boss), concurrency, (realmId) => {
  started.push({ realmId, atMs: monotonicMs() })
  answerWhenDue()
  return Promise.resolve()
})
tell()

function tell(): void {
  process.send?.({ cpuSeconds: ownCpuSeconds(), started } satisfies QueueWorkerUsage)
  started = []
}

/** The service's own, or the same without its listener. */
function open(options: BossOptions): PgBoss {
  if (way.listens) return createBoss(options)
  const polling = new PgBoss({ ...bossSettings(options), useListenNotify: false })
  polling.on('error', (error) => log.error('queue error', { error }))
  return polling
}

/** The loops are the service's in every way: what they ask of pg-boss is changed on its way there. */
function changed(whole: PgBoss): PgBoss {
  const { pollSeconds, looksAgain }: QueueWay = way
  if (!looksAgain) whole.notifyWorker = () => undefined
  if (pollSeconds === null) return whole
  const work = whole.work.bind(whole) as (name: string, options: object, handler: unknown) => Promise<string>
  const polling = (name: string, options: object, handler: unknown) =>
    work(name, { ...options, pollingIntervalSeconds: pollSeconds }, handler)
  return Object.assign(whole, { work: polling as PgBoss['work'] })
}
