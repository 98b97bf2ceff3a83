import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { insertReject, insertRun, insertSyncedCompany, secondsBefore } from '../http/rows.ts'
import { openConsole, textOf, type OpenConsole } from './open-console.ts'

let http: OpenConsole

beforeEach(async () => {
  http = await openConsole()
  await insertSyncedCompany(http.knex, '1', { name: 'Ada & Sons' })
  await insertSyncedCompany(http.knex, '2', { name: 'Bell' })
  await insertSyncedCompany(http.knex, '3', { name: 'Cole', status: 'paused' })
})

afterEach(() => http.close())

async function say(path: string): Promise<string> {
  const { status, text } = await http.see(path)
  expect([path, status]).toEqual([path, 200])
  return textOf(text)
}

function fail(realmId: string, row: Readonly<Record<string, unknown>> = {}): Promise<number> {
  return insertRun(http.knex, realmId, {
    status: 'failed',
    error_code: 'unavailable',
    error_message: 'QuickBooks answered 502',
    intuit_tid: `tid-${realmId}`,
    ...row,
  })
}

describe('the runs', () => {
  test('say when each client is tried next, and Intuit’s id of the call', async () => {
    await http
      .knex('companies')
      .where({ realm_id: '1' })
      .update({ not_before: secondsBefore(-1800) })
    await fail('1')
    await fail('3')
    await insertRun(http.knex, '2', { intuit_tid: 'tid-of-a-success' })
    const text = await say('/console/runs')
    expect(text).toMatch(/Ada & Sons .* in 30 min tid-1/)
    expect(text).toMatch(/Cole .* waits for a person tid-3/)
    expect(text).toMatch(/Bell .* 0 0 tid-of-a-success/)
  })

  test('offer a choice only of those that a try may mend', async () => {
    await fail('1')
    await insertRun(http.knex, '2')
    const { text } = await http.see('/console/runs')
    expect([...text.matchAll(/<input[^>]*type="checkbox"[^>]*value="(\d+)"/g)].map(([, id]) => id)).toEqual([
      '1',
    ])
    expect(text).toMatch(/aria-label="Choose Ada &amp; Sons, run \d+"/)
  })

  test('are tried again for those chosen, once each, and the log says who asked', async () => {
    const answer = await http.act('/console/runs/again', { realmId: ['1', '2', '1', '3'] })
    expect([answer.status, answer.headers['location']]).toEqual([303, '/console/runs?asked=2'])
    expect(http.queued.toSorted()).toEqual(['1', '2'])
    expect(await say('/console/runs?asked=2')).toContain('A run was asked for of 2 clients.')
    const line = http.logLines.find(({ message }) => message === 'clients tried again')
    expect(line).toMatchObject({ actor: 'console', asked: 2, chosen: 3 })
  })

  test('are tried again for all that match, and for nobody else', async () => {
    await fail('1')
    await fail('2', { error_code: 'throttled' })
    await fail('3')
    expect(await say('/console/runs')).not.toContain('Try all that match again')
    const { text } = await http.see('/console/runs?code=unavailable&status=failed')
    expect(textOf(text)).toContain('Asks for a run of the one client of the runs that match')
    const answer = await http.act('/console/runs/again/matching', { code: 'unavailable', status: 'failed' })
    expect(answer.headers['location']).toBe('/console/runs?status=failed&code=unavailable&asked=1')
    expect(http.queued).toEqual(['1'])
  })

  test.each([
    ['/console/runs/again/matching', {}],
    ['/console/runs/again/matching', { code: '', status: '' }],
    ['/console/runs/again/matching', { status: 'lost' }],
    ['/console/runs/again', { realmId: 'x' }],
    ['/console/runs/rejects/again', { id: 'x' }],
    ['/console/runs/rejects/again', { group: 'x' }],
    ['/console/runs/rejects/again', { group: 'a'.repeat(32), id: '1' }],
  ])('are not tried again by a form that makes no sense: %s %j', async (path, fields) => {
    expect((await http.act(path, fields)).status).toBe(400)
    expect(http.queued).toEqual([])
  })

  test('are counted by the hour, those of hours past included, without script too', async () => {
    await fail('1', { started_at: secondsBefore(7000), finished_at: secondsBefore(6900) })
    await insertRun(http.knex, '2', { started_at: secondsBefore(7100), finished_at: secondsBefore(7000) })
    await fail('2', { started_at: secondsBefore(200_000), finished_at: secondsBefore(199_000) })
    const text = await say('/console/runs')
    expect(text).toContain('Tue 10 Mar 2026, 10:00:00 2 1 Tue 10 Mar 2026, 11:00:00 0 0')
    expect(text).toContain('Mon 9 Mar 2026, 12:00:00 0 0')
    expect(text).not.toContain('Mon 9 Mar 2026, 11:00:00 ')
  })

  test('show how much each read, against the most of the page', async () => {
    await insertRun(http.knex, '1', { entities: JSON.stringify({ bill: { fetched: 2000 } }) })
    await insertRun(http.knex, '2', { entities: JSON.stringify({ bill: { fetched: 500 } }) })
    const { text } = await http.see('/console/runs')
    expect(text).toMatch(/2,000\s+<svg[\s\S]*?width="1000"[\s\S]*?<\/svg>/)
    expect(text).toMatch(/500\s+<svg[\s\S]*?width="250"[\s\S]*?<\/svg>/)
  })
})

describe('the rejected records of all clients', () => {
  beforeEach(async () => {
    await insertReject(http.knex, '1', { qbo_id: '11' })
    await insertReject(http.knex, '2', { qbo_id: '21' })
    await insertReject(http.knex, '2', { qbo_id: '22', reason: 'Line is <none>', intuit_tid: 'tid-22' })
    await insertReject(http.knex, '3', { qbo_id: '31' })
    await insertReject(http.knex, '1', { qbo_id: '12', resolved_at: secondsBefore(60) })
  })

  test('are grouped by their reason, those of most records first', async () => {
    const text = await say('/console/runs/rejects')
    expect(text).toMatch(/TotalAmt should be an amount invalid payload .* 3 3 .*Line is &lt;none&gt; .* 1 1 /)
    expect(text).not.toContain('#12')
    expect(text).toContain('tid-22')
  })

  test('are shown of one reason', async () => {
    const { text } = await http.see('/console/runs/rejects')
    const [, group] = /group=([0-9a-f]{32})"[^>]*>Bills: Line/.exec(text.replaceAll(/\s+/g, ' ')) ?? []
    const shown = await say(`/console/runs/rejects?group=${group}`)
    expect(shown).toContain('Bill #22')
    expect(shown).not.toContain('Bill #21')
    await http.act('/console/runs/rejects/again', { group: group! })
    expect(http.queued).toEqual(['2'])
    expect(await due()).toEqual(['22'])
  })

  test('are tried again where chosen, and no others', async () => {
    const ids = await http.knex('sync_rejects').whereIn('qbo_id', ['11', '31']).pluck<number[]>('id')
    const answer = await http.act('/console/runs/rejects/again', { id: ids.map(String) })
    // That of the paused client waits as before.
    expect(answer.headers['location']).toBe('/console/runs/rejects?asked=1')
    expect(http.queued).toEqual(['1'])
    expect(await due()).toEqual(['11'])
    expect(await say('/console/runs/rejects?asked=1')).toContain('One record is tried again')
    const line = http.logLines.find(({ message }) => message === 'rejected records tried again')
    expect(line).toMatchObject({ actor: 'console', rejects: 1, companies: 1 })
  })

  test('known by their place alone are looked for by a full run', async () => {
    await insertReject(http.knex, '2', {
      qbo_id: null,
      position: '17',
      code: 'poisoned_page',
      reason: 'no answer',
    })
    const [id] = await http.knex('sync_rejects').where({ position: '17' }).pluck<number[]>('id')
    await http.act('/console/runs/rejects/again', { id: String(id) })
    const company = (await http.knex('companies').where({ realm_id: '2' }).first()) as Record<string, unknown>
    expect(company['full_requested_seq']).toBe(company['requested_seq'])
  })

  test('are none when all is well', async () => {
    await http.knex('sync_rejects').update({ resolved_at: secondsBefore(1) })
    expect(await say('/console/runs/rejects')).toContain('Every record of every client could be read.')
  })

  async function due(): Promise<string[]> {
    return http.knex('sync_rejects').where('retry_at', '<=', secondsBefore(0)).pluck<string[]>('qbo_id')
  }
})
