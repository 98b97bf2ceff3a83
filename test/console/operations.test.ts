import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import {
  insertBalance,
  insertBill,
  insertCompany,
  insertReject,
  insertRun,
  insertSyncedCompany,
  secondsBefore,
} from '../http/rows.ts'
import { openConsole, textOf, type OpenConsole } from './open-console.ts'

let http: OpenConsole

const COMPANY = '/console/companies/1'

beforeEach(async () => {
  http = await openConsole()
  await insertSyncedCompany(http.knex, '1', { name: 'Ada & Sons', home_currency: 'USD' })
  await http.knex('connections').insert({ realm_id: '1', environment: 'simulator', updated_at: new Date() })
})

afterEach(() => http.close())

async function say(path: string): Promise<string> {
  const { status, text } = await http.see(path)
  expect([path, status]).toEqual([path, 200])
  return textOf(text)
}

async function company(): Promise<Record<string, unknown>> {
  return (await http.knex('companies').where({ realm_id: '1' }).first()) as Record<string, unknown>
}

describe('a button', () => {
  test('asks for a sync, incremental or full, and leads to the runs', async () => {
    const answer = await http.act(`${COMPANY}/sync`, { mode: 'full' })
    expect([answer.status, answer.headers['location']]).toEqual([303, `${COMPANY}/runs`])
    expect(http.queued).toEqual(['1'])
    expect(await company()).toMatchObject({ requested_mode: 'full', requested_trigger: 'manual' })
  })

  test('pauses, resumes and disconnects, and the timeline says who did it', async () => {
    await http.act(`${COMPANY}/pause`)
    expect((await company())['status']).toBe('paused')
    expect(await say(COMPANY)).toContain('Paused')
    await http.act(`${COMPANY}/resume`)
    await http.act(`${COMPANY}/disconnect`)
    expect((await company())['status']).toBe('disconnected')
    const events = (await http.knex('company_events').orderBy('id')) as { kind: string; actor: string }[]
    expect(events.map(({ kind, actor }) => [kind, actor])).toEqual([
      ['paused', 'console'],
      ['resumed', 'console'],
      ['disconnected', 'console'],
    ])
    expect(await say(`${COMPANY}/timeline`)).toMatch(
      /Disconnected console .* Resumed from: paused console .* Paused/,
    )
  })

  test('leads to a timeline that passes over nothing, though much happens at one moment', async () => {
    for (let record = 1; record <= 130; record += 1)
      await insertReject(http.knex, '1', { qbo_id: String(record) })
    const { text } = await http.see(`${COMPANY}/timeline`)
    const next = /rel="next"\s+href="([^"]*)"/.exec(text)![1]!.replaceAll('&amp;', '&')
    const both = `${textOf(text)} ${await say(next)}`
    const shown = [...both.matchAll(/Bill #(\d+) rejected/g)].map(([, id]) => Number(id))
    expect(shown.sort((one, other) => one - other)).toEqual(Array.from({ length: 130 }, (_, at) => at + 1))
  })

  test('that cannot do its thing says why on a page', async () => {
    await http.act(`${COMPANY}/pause`)
    const { status, text } = await http.act(`${COMPANY}/sync`)
    expect(status).toBe(409)
    expect(textOf(text)).toContain('is paused')
  })

  test.each(['sync', 'pause', 'resume', 'disconnect', 'retry', 'confirm', 'settings'])(
    'does nothing from another site: %s',
    async (name) => {
      const before = await company()
      const { status } = await request(http.app)
        .post(`${COMPANY}/${name}`)
        .set('Cookie', http.cookie)
        .set('Sec-Fetch-Site', 'cross-site')
        .type('form')
        .send({})
      expect(status).toBe(403)
      expect(await company()).toEqual(before)
    },
  )

  test.each([
    ['sync', { mode: 'twice' }],
    ['pause', { why: 'no' }],
    ['confirm', { entity: 'payroll' }],
    ['settings', { name: 'x', timeZone: 'Mars/Olympus', tags: '', maxLagMinutes: '' }],
    ['settings', { name: 'x', timeZone: '', tags: '', maxLagMinutes: '0' }],
  ])('refuses %s of %j', async (name, fields) => {
    expect((await http.act(`${COMPANY}/${name}`, fields)).status).toBe(400)
  })

  test('keeps what the firm says, and leaves to QuickBooks what it did not change', async () => {
    const answer = await http.act(`${COMPANY}/settings`, {
      name: 'Ada & Sons',
      timeZone: '',
      tags: 'retail, south',
      maxLagMinutes: '30',
    })
    expect(answer.status).toBe(303)
    expect(await company()).toMatchObject({ tags: ['retail', 'south'], max_lag_minutes: 30, set_by_firm: [] })
  })

  test('tries rejected records again', async () => {
    await insertReject(http.knex, '1')
    expect(await say(`${COMPANY}/connection`)).toContain('TotalAmt should be an amount')
    await http.act(`${COMPANY}/retry`)
    expect(http.queued).toEqual(['1'])
  })
})

describe('a page', () => {
  test('of a company shows what it holds, owes and is owed, and what to look at', async () => {
    await insertBalance(http.knex, '1', '35')
    await insertBill(http.knex, '1', '1')
    const text = await say(COMPANY)
    expect(text).toContain('1,201.00 USD')
    expect(text).toContain('100.50 USD overdue')
    expect(text).toContain('Last changes')
  })

  test('of a company calls it what the page of all clients calls it', async () => {
    await http.knex('companies').where({ realm_id: '1' }).update({ failing_code: 'throttled' })
    await insertReject(http.knex, '1')
    for (const path of [COMPANY, '/console?state=action'])
      expect(await say(path)).toContain('Records rejected')
  })

  test('of a company never read says so', async () => {
    await insertCompany(http.knex, '2')
    expect(await say('/console/companies/2')).toContain('Not read yet')
  })

  test('of its runs leads to each and to what it changed', async () => {
    const id = await insertRun(http.knex, '1', {
      changed: true,
      entities: JSON.stringify({ bill: { inserted: 3 } }),
    })
    const { text } = await http.see(`${COMPANY}/runs`)
    expect(text).toContain(`href="/console/runs/${id}"`)
    expect(text).toContain(`href="${COMPANY}/changes?run=${id}"`)
    expect(await say(`/console/runs/${id}`)).toContain('Bills')
  })

  test('of failures groups them by cause, those of most clients first', async () => {
    await insertSyncedCompany(http.knex, '3', { failing_code: 'unavailable' })
    for (const [realmId, code] of [
      ['1', 'throttled'],
      ['1', 'unavailable'],
      ['3', 'unavailable'],
    ] as const) {
      await insertRun(http.knex, realmId, {
        status: 'failed',
        error_code: code,
        error_message: `said ${code}`,
        started_at: secondsBefore(600),
        finished_at: secondsBefore(590),
      })
    }
    const text = await say('/console/runs')
    expect(text).toMatch(/unavailable said unavailable .* 2 2 .*throttled said throttled .* 1 1 /)
    await http.act('/console/runs/again', { code: 'unavailable' })
    expect(http.queued).toEqual(['3'])
    expect(await say('/console/runs?code=throttled')).not.toContain('Run 3')
  })

  test('of failures says so when there are none', async () => {
    expect(await say('/console/runs')).toContain('Every run of the last 24 hours succeeded')
  })
})
