import { afterEach, describe, expect, test } from '@jest/globals'
import { performSync } from '../../src/jobs/perform-sync.ts'
import { createLog } from '../../src/log.ts'
import { runCompany } from '../../src/sync/run-company.ts'
import {
  INTERVAL_SECONDS,
  REALM,
  company,
  startMirror,
  type MirrorSettings,
  type TestMirror,
} from '../setup/mirror.ts'

const SECRET = 'AB11-secret-refresh-token'

let mirror: TestMirror

afterEach(() => mirror.close())

function start(settings: MirrorSettings = {}): Promise<TestMirror> {
  const log = createLog({ level: 'error', format: 'json', secrets: () => [SECRET] })
  log.silent = true
  return startMirror({ companies: [company({ records: 5 })], log, ...settings })
}

function perform(
  attempt: { last?: boolean; stop?: AbortSignal; run?: typeof mirror.run } = {},
): Promise<void> {
  const { last = false, stop = new AbortController().signal, run } = attempt
  return performSync(
    {
      database: mirror.database,
      intervalSeconds: INTERVAL_SECONDS,
      log: mirror.options.log,
      run: run ?? ((realmId, signal) => runCompany(mirror.options, realmId, signal)),
    },
    { realmId: REALM, last, stop },
  )
}

const runs = () =>
  mirror.rows(`SELECT status, error_code AS code, served_request AS served FROM sync_runs ORDER BY id`)

async function waits(): Promise<unknown> {
  const [row] = await mirror.rows('SELECT not_before AS until, not_before_code AS code FROM companies')
  return row
}

describe('a job', () => {
  test('runs its company once when nobody asks again', async () => {
    mirror = await start()
    await perform()
    expect(await runs()).toEqual([{ status: 'succeeded', code: null, served: 1 }])
  })

  test('is done when Postgres is away: the request stands, and nothing goes to the dead letters', async () => {
    mirror = await start()
    const away = Object.assign(new Error('terminating connection'), { code: '57P01' })
    await perform({ last: true, run: () => Promise.reject(away) })
    expect(await waits()).toEqual({ until: null, code: null })
    await perform()
    expect(await runs()).toEqual([{ status: 'succeeded', code: null, served: 1 }])
  })

  test('begins no run in a process that stops', async () => {
    mirror = await start()
    await perform({ stop: AbortSignal.abort() })
    expect(await runs()).toEqual([])
  })

  test('runs again for what was asked during the run', async () => {
    let asked = false
    mirror = await start({
      wrapReader: (reader) => ({
        ...reader,
        companyInfo: async () => {
          if (!asked) await mirror.ask()
          asked = true
          return reader.companyInfo()
        },
      }),
    })
    await perform()
    expect(await runs()).toMatchObject([{ served: 1 }, { served: 2 }])
  })

  test('leaves it to the next one after three runs', async () => {
    mirror = await start({
      wrapReader: (reader) => ({
        ...reader,
        companyInfo: async () => (await mirror.ask(), reader.companyInfo()),
        changes: async (...given: Parameters<typeof reader.changes>) => (
          await mirror.ask(),
          reader.changes(...given)
        ),
      }),
    })
    await perform()
    expect(await runs()).toHaveLength(3)
  })

  test('has nothing to do for a company that nobody asked for', async () => {
    mirror = await start()
    await perform()
    await perform()
    expect(await runs()).toHaveLength(1)
  })

  test('that is stopped ends quietly, and its company is asked for again', async () => {
    const stop = new AbortController()
    mirror = await start({
      wrapReader: (reader) => ({
        ...reader,
        companyInfo: () => {
          stop.abort()
          return reader.companyInfo()
        },
      }),
    })
    await perform({ stop: stop.signal })
    expect(await runs()).toMatchObject([{ status: 'abandoned' }])
    expect(await mirror.rows('SELECT requested_seq > served_seq AS asked FROM companies')).toEqual([
      { asked: true },
    ])
  })
})

describe('a failure that the domain knows ends the job', () => {
  test.each([
    ['unavailable503Html', 'unavailable'],
    ['throttled429', 'throttled'],
    ['company6190', 'company_unavailable'],
    ['invalidGrant', 'needs_reauth'],
    ['invalidClient', 'app_misconfigured'],
  ] as const)('%s', async (kind, code) => {
    mirror = await start()
    mirror.sandbox.faults.add({ kind })
    await perform({ last: true })
    expect(await runs()).toMatchObject([{ status: 'failed', code }])
    expect(await waits()).not.toMatchObject({ code: 'internal' })
  })
})

describe('a defect', () => {
  const defective = () =>
    start({
      wrapReader: (reader) => ({
        ...reader,
        companyInfo: () =>
          Promise.reject(Object.assign(new TypeError(`no ${SECRET}`), { config: { token: SECRET } })),
      }),
    })

  test('is thrown for the queue to try again, with its code alone', async () => {
    mirror = await defective()
    const error = (await perform().catch((thrown: unknown) => thrown)) as Error
    expect(error.message).toBe(`the sync of company ${REALM} failed: internal`)
    expect(error.cause).toBeUndefined()
    expect(Object.keys(error)).toEqual([])
    expect(error.stack).not.toContain(SECRET)
    expect(await waits()).toEqual({ until: null, code: null })
  })

  test('makes the company wait an interval once the queue has given up', async () => {
    mirror = await defective()
    await expect(perform({ last: true })).rejects.toThrow('internal')
    expect(await waits()).toEqual({
      until: new Date(mirror.clock.now().getTime() + INTERVAL_SECONDS * 1000),
      code: 'internal',
    })
  })

  test('of what opens a run is told and answered no differently', async () => {
    mirror = await start()
    const run = () => Promise.reject(new Error(`select '${SECRET}' - connection refused`))
    const error = (await perform({ last: true, run }).catch((thrown: unknown) => thrown)) as Error
    expect(error.message).toBe(`the sync of company ${REALM} failed: internal`)
    expect(await waits()).toMatchObject({ code: 'internal' })
  })
})
