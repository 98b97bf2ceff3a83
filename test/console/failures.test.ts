import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import type { DeadLetter } from '../../src/jobs/dead-letters.ts'
import { ADMIN_TOKEN } from '../http/open-http.ts'
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

  test('promise no try while all calls are stopped', async () => {
    await fail('1')
    await http.knex('service_state').update({
      calls_paused_until: secondsBefore(-240),
      calls_paused_code: 'app_misconfigured',
      calls_paused_reason: 'invalid_client',
      stopped_since: secondsBefore(60),
    })
    expect(await say('/console/runs')).toMatch(/Ada & Sons .* after the stop tid-1/)
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

describe('the dead letters', () => {
  const letter = (realmId: string, row: Partial<DeadLetter> = {}): DeadLetter => ({
    id: randomUUID(),
    realmId,
    at: secondsBefore(600),
    queuedAt: secondsBefore(1200),
    attempts: 4,
    code: 'internal',
    message: `the sync of company ${realmId} failed: internal`,
    ...row,
  })

  beforeEach(() => {
    http.deadLetters.push(
      letter('1'),
      letter('2', { code: null, message: 'job heartbeat timeout' }),
      letter('3'),
    )
  })

  test('say whose they are, why in words, and when', async () => {
    const text = await say('/console/runs/dead-letters')
    expect(text).toMatch(
      /Ada & Sons A defect ended it This is a defect: .* failed: internal 10 min ago 20 min ago 4/,
    )
    expect(text).toMatch(/Bell Its process died or was cut off .* job heartbeat timeout/)
  })

  test('are tried again one by one', async () => {
    const { id } = http.deadLetters[0]!
    const answer = await http.act('/console/runs/dead-letters/redrive', { id })
    expect([answer.status, answer.headers['location']]).toEqual([
      303,
      '/console/runs/dead-letters?asked=1&left=0',
    ])
    expect(http.queued).toEqual(['1'])
    expect(http.deadLetters.map(({ realmId }) => realmId)).toEqual(['2', '3'])
    const line = http.logLines.find(({ message }) => message === 'dead letters tried again')
    expect(line).toMatchObject({ actor: 'console', companies: ['1'], left: 0 })
  })

  test('are tried again all at once; that of a client that is not read stays', async () => {
    await http.act('/console/runs/dead-letters/redrive', { all: 'true' })
    expect(http.queued.toSorted()).toEqual(['1', '2'])
    expect(http.deadLetters.map(({ realmId }) => realmId)).toEqual(['3'])
    expect(await say('/console/runs/dead-letters?asked=2&left=1')).toContain('2 clients. One stays here')
  })

  test('end the wait that followed the defect', async () => {
    const waits = { not_before: secondsBefore(-900), not_before_code: 'internal' }
    await http.knex('companies').where({ realm_id: '1' }).update(waits)
    await http.act('/console/runs/dead-letters/redrive', { id: http.deadLetters[0]!.id })
    expect(await http.knex('companies').where({ realm_id: '1' }).first()).toMatchObject({ not_before: null })
  })

  test.each([{}, { id: 'x' }, { all: 'false' }, { all: 'true', id: randomUUID() }])(
    'stay where a form makes no sense: %j',
    async (fields) => {
      expect((await http.act('/console/runs/dead-letters/redrive', fields)).status).toBe(400)
      expect(http.deadLetters).toHaveLength(3)
    },
  )

  test('can be read and tried again by the API', async () => {
    const { body } = await http.send('get', '/admin/dead-letters').expect(200)
    const [first] = http.deadLetters
    expect(body.data[0]).toEqual({
      id: first!.id,
      realmId: '1',
      at: secondsBefore(600).toISOString(),
      queuedAt: secondsBefore(1200).toISOString(),
      attempts: 4,
      error: { code: 'internal', message: 'the sync of company 1 failed: internal' },
    })
    const one = await http.send('post', '/admin/dead-letters/redrive').send({ ids: [first!.id] })
    expect([one.status, one.body]).toEqual([202, { requested: ['1'], left: 0 }])
    const rest = await http.send('post', '/admin/dead-letters/redrive').send({})
    expect(rest.body).toEqual({ requested: ['2'], left: 1 })
    for (const ids of [[], ['x'], 'all']) {
      const { status, body } = await http.send('post', '/admin/dead-letters/redrive').send({ ids })
      expect([status, body.detail]).toEqual([400, expect.stringContaining('ids')])
    }
  })
})

describe('the queues', () => {
  test('show what waits, for how long, and what failed last', async () => {
    http.queueState.jobs = [
      { queue: 'sync-company', state: 'ready', jobs: 1234 },
      { queue: 'sync-company', state: 'active', jobs: 8 },
    ]
    http.queueState.oldestWaiting = [{ queue: 'sync-company', since: secondsBefore(240) }]
    http.queueState.failures = [
      {
        id: randomUUID(),
        queue: 'sync-company',
        realmId: '2',
        state: 'retry',
        attempts: 2,
        at: secondsBefore(30),
        message: 'said <b>this</b>',
      },
    ]
    const text = await say('/admin/queues')
    expect(text).toMatch(/sync-company one job a client that is due 0 1,234 8 0 4 min ago/)
    expect(text).toContain('Bell tried again said &lt;b&gt;this&lt;/b&gt; 2 30 s ago')
  })

  test('are behind the login of the console, or the token, and nothing else', async () => {
    const stranger = await request(http.app).get('/admin/queues')
    expect([stranger.status, stranger.headers['location']]).toEqual([303, '/login?next=%2Fadmin%2Fqueues'])
    expect((await http.send('get', '/admin/queues')).status).toBe(200)
    const wrong = await request(http.app).get('/admin/queues').set('Authorization', `Bearer ${ADMIN_TOKEN}x`)
    expect(wrong.status).toBe(401)
    const answer = await request(http.app)
      .post('/login')
      .set('Sec-Fetch-Site', 'same-origin')
      .type('form')
      .send({ token: ADMIN_TOKEN, next: '/admin/queues' })
    expect(answer.headers['location']).toBe('/admin/queues')
    expect((await http.see('/admin/queues')).headers['content-security-policy']).toContain(
      "default-src 'none'",
    )
  })

  test('take no orders', async () => {
    expect((await http.act('/admin/queues')).status).toBe(405)
    expect((await request(http.app).post('/admin/queues').set('Cookie', http.cookie)).status).toBe(403)
  })
})
