import { afterEach, describe, expect, test } from '@jest/globals'
import type { Knex } from 'knex'
import { connect } from '../../src/db/connect.ts'
import { createDatabase } from '../../src/db/database.ts'
import type { CompanyReader } from '../../src/quickbooks/quickbooks.ts'
import { runCompany } from '../../src/sync/run-company.ts'
import { REALM, company, startMirror, type TestMirror } from '../setup/mirror.ts'
import { keptLog, type KeptLog } from '../setup/kept-log.ts'
import { companyRow, lastRun } from './invariants.ts'

let mirror: TestMirror
let kept: KeptLog
let impatient: Knex
/** Done before the next change data capture. */
let meanwhile: () => Promise<unknown>

afterEach(async () => {
  await impatient.destroy()
  await mirror.close()
})

/** A synced company whose runs give a statement up after a moment. */
async function start(): Promise<(stop?: AbortSignal) => ReturnType<typeof runCompany>> {
  kept = keptLog()
  meanwhile = async () => undefined
  mirror = await startMirror({ companies: [company({ records: 0 })], log: kept.log })
  await mirror.sync()
  mirror.clock.move({ minutes: 15 })
  impatient = connect({
    url: mirror.url,
    tls: 'off',
    poolMax: 6,
    applicationName: 'impatient',
    statementTimeoutMs: 200,
  })
  const wrapReader = (reader: CompanyReader): CompanyReader => ({
    ...reader,
    async changes(...asked) {
      await meanwhile()
      return reader.changes(...asked)
    },
  })
  const { options, close } = mirror.startProcess({
    database: createDatabase(impatient, mirror.clock),
    wrapReader,
  })
  return async (stop = new AbortController().signal) => {
    await mirror.ask()
    try {
      return await runCompany(options, REALM, stop)
    } finally {
      close()
    }
  }
}

describe('a failed run that cannot be judged', () => {
  test('for want of time is closed with its error, and the log tells of both', async () => {
    const run = await start()
    mirror.sandbox.faults.add({ kind: 'unavailable503Html' })
    const holder = await mirror.database.knex.transaction()
    meanwhile = () => holder.raw(`SELECT FROM companies WHERE realm_id = ? FOR UPDATE`, [REALM])
    expect(await run()).toMatchObject({
      kind: 'failed',
      error: { code: 'unavailable' },
      fate: { kind: 'later' },
    })
    await holder.rollback()
    expect(await lastRun(mirror)).toMatchObject({
      status: 'failed',
      error_code: 'unavailable',
      error_message: expect.stringContaining('503'),
    })
    expect(kept.lines()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          message: 'sync run failed',
          code: 'unavailable',
          reason: expect.stringContaining('503'),
        }),
        expect.objectContaining({
          level: 'error',
          message: 'failed run is closed, but what follows from it could not be decided',
          error: expect.objectContaining({ code: '57014' }),
        }),
        expect.objectContaining({ level: 'error', message: 'failure is recorded with its run alone' }),
      ]),
    )
  })

  test('for a lost connection is closed on another, and its company waits', async () => {
    const run = await start()
    mirror.sandbox.faults.add({ kind: 'unavailable503Html' })
    // A deadlock, a dead connection, a defect: to the run they are one.
    await mirror.rows(`CREATE SEQUENCE cuts`)
    await mirror.rows(
      `CREATE FUNCTION cut_once() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF NEW.failures_in_a_row > OLD.failures_in_a_row AND nextval('cuts') = 1 THEN
           PERFORM pg_terminate_backend(pg_backend_pid());
         END IF;
         RETURN NEW;
       END $$`,
    )
    await mirror.rows(
      `CREATE TRIGGER cut_once BEFORE UPDATE ON companies FOR EACH ROW EXECUTE FUNCTION cut_once()`,
    )
    expect(await run()).toMatchObject({
      kind: 'failed',
      error: { code: 'unavailable' },
      fate: { kind: 'later' },
    })
    expect(await lastRun(mirror)).toMatchObject({ status: 'failed', error_code: 'unavailable' })
    expect(await companyRow(mirror)).toMatchObject({
      failures_in_a_row: 1,
      failing_code: 'unavailable',
      not_before: new Date(mirror.clock.now().getTime() + 60_000),
    })
    const [failures] = await mirror.rows(
      `SELECT total FROM metric_totals_now() WHERE metric = 'ledger_sync_failures_total'`,
    )
    expect(failures).toEqual({ total: 1 })
    const calls = await mirror.rows(
      `SELECT status, calls FROM quickbooks_calls WHERE operation = 'cdc' AND status = '503'`,
    )
    expect(calls).toEqual([{ status: '503', calls: 1 }])
  })

  test('and cannot be closed either is told with both causes', async () => {
    const run = await start()
    mirror.sandbox.faults.add({ kind: 'unavailable503Html' })
    meanwhile = () => mirror.rows(`ALTER TABLE sync_runs ADD CHECK (status <> 'failed')`)
    expect(await run()).toMatchObject({ kind: 'failed', error: { code: 'internal' }, fate: { kind: 'gone' } })
    expect(kept.lines().filter(({ level }) => level === 'error' || level === 'warn')).toMatchObject([
      { message: 'sync run failed', code: 'unavailable' },
      { message: 'failed run is closed, but what follows from it could not be decided', code: 'unavailable' },
      {
        message: 'failed run could not be closed',
        code: 'unavailable',
        error: { message: expect.stringContaining('check constraint') },
      },
    ])
  })
})

test('a run that is stopped while Postgres refuses to close it says so, and its job is done', async () => {
  const run = await start()
  const stop = new AbortController()
  meanwhile = async () => {
    await mirror.rows(`ALTER TABLE sync_runs ADD CONSTRAINT no_end CHECK (status <> 'abandoned')`)
    stop.abort()
  }
  expect(await run(stop.signal)).toMatchObject({ kind: 'abandoned' })
  expect(kept.lines('error')).toMatchObject([{ message: 'abandoned run could not be closed' }])
})
