import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { runCompany } from '../../src/sync/run-company.ts'
import { company, REALM, startMirror, type TestMirror } from '../setup/mirror.ts'
import { companyRow, expectAtRest } from './invariants.ts'

describe('a run that lists while others wait', () => {
  let mirror: TestMirror

  beforeEach(async () => {
    mirror = await startMirror({ companies: [company({ records: 6_000 })] })
  })

  afterEach(() => mirror.close())

  const run = (mustGiveWay: () => Promise<boolean>) =>
    runCompany(mirror.options, REALM, new AbortController().signal, mustGiveWay)

  /** The pages that were asked for, without counts. */
  const pages = () =>
    mirror.sandbox.calls
      .list()
      .flatMap(({ operation, query }) =>
        operation === 'query' && query !== null && !/count\s*\(/i.test(query) ? [query] : [],
      )

  test('ends after each page and is gone on with: no page is asked for twice, and the request is served', async () => {
    const request = await mirror.ask(REALM, { mode: 'full', trigger: 'backfill' })
    let gaveWay = 0
    for (;;) {
      const outcome = await run(() => Promise.resolve(true))
      if (outcome.kind !== 'gave_way') {
        expect(outcome).toMatchObject({ kind: 'finished', status: 'succeeded', askedAgain: false })
        break
      }
      gaveWay += 1
      expect(await companyRow(mirror)).toMatchObject({ requested_seq: request, served_seq: 0 })
    }
    expect(gaveWay).toBeGreaterThan(1)
    expect(new Set(pages()).size).toBe(pages().length)
    expect(await companyRow(mirror)).toMatchObject({
      requested_seq: request,
      served_seq: request,
      failures_in_a_row: 0,
    })
    expect(
      await mirror.rows(
        `SELECT status, error_code AS code, count(*)::int AS runs FROM sync_runs GROUP BY 1, 2 ORDER BY 1`,
      ),
    ).toEqual([
      { status: 'abandoned', code: null, runs: gaveWay },
      { status: 'succeeded', code: null, runs: 1 },
    ])
    await expectAtRest(mirror)
  })

  test('fails when a page could not be taken, whoever waits', async () => {
    await mirror.ask(REALM, { mode: 'full' })
    const outcome = await run(async () => {
      // The page that is about to be written finds that its company is another run's.
      await mirror.rows(
        `UPDATE sync_runs SET status = 'abandoned', finished_at = now() WHERE status = 'running'`,
      )
      return true
    })
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'lease_lost' } })
  })
})
