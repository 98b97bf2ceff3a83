import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { createHttp } from '../../src/http/http.ts'
import { waitForRun } from '../../src/http/sync/wait-for-run.ts'
import { fieldsOf } from './answers.ts'
import { ADMIN_TOKEN, openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany, insertRun, secondsBefore } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  await insertCompany(http.knex, '1')
  await insertCompany(http.knex, '2')
  await insertCompany(http.knex, '3', { status: 'paused' })
  await insertCompany(http.knex, '4', { status: 'disconnected' })
  await insertCompany(http.knex, '5', { status: 'needs_reauth', status_code: 'needs_reauth' })
  await insertCompany(http.knex, '6', { status: 'unavailable', status_code: 'company_unavailable' })
})

afterAll(() => http.close())

/** Resolves when a request has been made of a company, which is when somebody begins to wait for its run. */
async function requested(realmId: string, atLeast: number): Promise<void> {
  for (;;) {
    const company = await http
      .knex('companies')
      .where({ realm_id: realmId })
      .first<{ requested_seq: number }>()
    if (company.requested_seq >= atLeast) return
  }
}

describe('POST /admin/sync', () => {
  test('asks for every active company and says which', async () => {
    const { body } = await http.send('post', '/admin/sync').expect(202)
    expect(body).toEqual({ requested: ['1', '2'] })
    expect(http.queued).toEqual(['1', '2'])
  })

  test('asks for full runs when told to', async () => {
    await http.send('post', '/admin/sync').send({ mode: 'full' }).expect(202)
    const company = await http.knex('companies').where({ realm_id: '2' }).first()
    expect(company.requested_mode).toBe('full')
  })

  test('knows no wait: it would be for too many', async () => {
    const { body } = await http.send('post', '/admin/sync?wait=5').expect(400)
    expect(body.errors).toEqual([{ field: 'wait', message: 'is not known here' }])
  })
})

describe('POST /admin/sync/:realmId', () => {
  test('answers at once with the number of the request and where to look', async () => {
    await insertCompany(http.knex, '10')
    const first = await http.send('post', '/admin/sync/10').expect(202)
    expect(first.body).toEqual({ realmId: '10', request: 1, run: null })
    expect(first.headers['location']).toBe('/admin/companies/10')
    expect(first.headers['retry-after']).toBe('2')
    const second = await http.send('post', '/admin/sync/10').send({ mode: 'full' }).expect(202)
    expect(second.body.request).toBe(2)
    expect(http.queued.filter((realmId) => realmId === '10')).toHaveLength(2)
  })

  test('waits for a run that serves the request, and not for one that was under way before', async () => {
    await insertCompany(http.knex, '11', { requested_seq: 6, served_seq: 5 })
    const before = { served_request: 6, started_at: secondsBefore(40) }
    await insertRun(http.knex, '11', before)
    const answer = http.send('post', '/admin/sync/11?wait=25').then((response) => response)
    await requested('11', 7)
    await insertRun(http.knex, '11', { ...before, status: 'abandoned', served_request: 7 })
    const serving = await insertRun(http.knex, '11', { served_request: 7, started_at: secondsBefore(20) })
    const { status, body } = await answer
    expect(status).toBe(200)
    expect(body).toMatchObject({
      realmId: '11',
      request: 7,
      run: { id: serving, status: 'succeeded', servedRequest: 7 },
    })
  })

  test('a run that failed is waited for too, and says why', async () => {
    await insertCompany(http.knex, '12')
    const answer = http.send('post', '/admin/sync/12?wait=25').then((response) => response)
    await requested('12', 1)
    const error = { error_code: 'unavailable', error_message: 'QuickBooks answered 502', intuit_tid: 't-1' }
    await insertRun(http.knex, '12', { status: 'failed', ...error })
    const { status, body } = await answer
    expect(status).toBe(200)
    expect(body.run).toMatchObject({
      status: 'failed',
      error: { code: 'unavailable', message: 'QuickBooks answered 502', intuitTid: 't-1' },
    })
  })

  test('when the time is over the request stands', async () => {
    await insertCompany(http.knex, '13')
    await insertRun(http.knex, '13', { status: 'running', served_request: 1 })
    const { body } = await http.send('post', '/admin/sync/13?wait=1').expect(202)
    expect(body).toEqual({ realmId: '13', request: 1, run: null })
  })

  test('when the service stops, what waits is answered at once: the request stands', async () => {
    await insertCompany(http.knex, '15')
    const stop = new AbortController()
    const app = createHttp({ ...http.options, stop: stop.signal })
    const answer = request(app)
      .post('/admin/sync/15?wait=25')
      .set('Authorization', `Bearer ${ADMIN_TOKEN}`)
      .then((response) => response)
    await requested('15', 1)
    stop.abort()
    const { status, body, headers } = await answer
    expect({ status, body }).toEqual({ status: 202, body: { realmId: '15', request: 1, run: null } })
    expect(headers['location']).toBe('/admin/companies/15')
  })

  test('a wait that QuickBooks asked for, and a pause of all calls, show in Retry-After', async () => {
    await insertCompany(http.knex, '14', { not_before: secondsBefore(-90), not_before_code: 'throttled' })
    const throttled = await http.send('post', '/admin/sync/14').expect(202)
    expect(throttled.headers['retry-after']).toBe('92')
    await http.knex('service_state').update({
      calls_paused_until: secondsBefore(-300),
      calls_paused_code: 'app_misconfigured',
      calls_paused_reason: 'invalid_client',
    })
    const paused = await http.send('post', '/admin/sync/14').expect(202)
    expect(paused.headers['retry-after']).toBe('302')
    expect(paused.body).not.toHaveProperty('stopped')
    await http.knex('service_state').update({ calls_paused_until: null })
  })

  test('a stop of all calls is told by every answer to an operator and by the probe, and leaves it ready', async () => {
    const since = secondsBefore(600)
    const until = secondsBefore(-300)
    await http.knex('service_state').update({
      calls_paused_until: until,
      calls_paused_code: 'app_misconfigured',
      calls_paused_reason: 'invalid_client',
      stopped_since: since,
    })
    const stopped = { code: 'app_misconfigured', since: since.toISOString(), until: until.toISOString() }
    await insertCompany(http.knex, '1777')
    for (const [method, path] of [
      ['get', '/admin/companies'],
      ['get', '/admin/companies/1777'],
      ['get', '/admin/sync/runs'],
      ['get', '/admin/events'],
      ['post', '/admin/sync/1777'],
    ] as const) {
      expect([path, (await http.send(method, path)).body]).toMatchObject([path, { stopped }])
    }
    expect(await http.send('get', '/readyz')).toMatchObject({
      status: 200,
      body: { status: 'ready', stopped },
    })
    await http.knex('service_state').update({ calls_paused_until: null, stopped_since: null })
    expect((await http.send('get', '/admin/companies')).body).not.toHaveProperty('stopped')
  })

  test.each([
    ['3', 'company_inactive', /^Company 3 \(3\) is paused. Resume it: POST \/admin\/companies\/3\/resume/],
    [
      '4',
      'company_inactive',
      /^Company 4 \(4\) is disconnected. Connect it again: PUT \/admin\/companies\/4 with/,
    ],
    ['5', 'needs_reauth', /refuses the tokens/],
    ['6', 'company_unavailable', /subscription/],
  ])('company %s cannot be synced: %s', async (realmId, code, detail) => {
    const { body } = await http.send('post', `/admin/sync/${realmId}`).expect(409)
    expect(body).toMatchObject({ code, detail: expect.stringMatching(detail) })
    const company = await http.knex('companies').where({ realm_id: realmId }).first()
    expect(company.requested_seq).toBe(0)
  })

  test('an unknown company is not found', async () => {
    await http.send('post', '/admin/sync/77').expect(404)
  })

  test.each([
    ['/admin/sync/12?wait=0', {}, 'wait'],
    ['/admin/sync/12?wait=26', {}, 'wait'],
    ['/admin/sync/12?wait=1.5', {}, 'wait'],
    ['/admin/sync/12?wait=1&wait=2', {}, 'wait'],
    ['/admin/sync/12?await=1', {}, 'await'],
    ['/admin/sync/abc', {}, 'realmId'],
    ['/admin/sync/12', { mode: 'quick' }, 'mode'],
    ['/admin/sync/12', { mode: null }, 'mode'],
    ['/admin/sync/12', { Mode: 'full' }, 'Mode'],
  ])('%s with %j is refused and names %s', async (path, body, field) => {
    const answer = await http.send('post', path).send(body).expect(400)
    expect(fieldsOf(answer)).toEqual([field])
  })

  test('a company that is paused between the look and the request is refused all the same', async () => {
    const racing = await openHttp()
    await insertCompany(racing.knex, '15', { status: 'active' })
    const app = createHttp({
      ...racing.options,
      requestSync: async (realmIds, mode) => {
        await racing.knex('companies').update({ status: 'paused' })
        return racing.options.requestSync(realmIds, mode)
      },
    })
    const { body } = await request(app)
      .post('/admin/sync/15')
      .set('Authorization', `Bearer ${ADMIN_TOKEN}`)
      .expect(409)
    expect(body.code).toBe('company_inactive')
    await racing.close()
  })
})

describe('the waiting', () => {
  test('gives the first of the runs that serve the request', async () => {
    await insertCompany(http.knex, '16')
    const ids: number[] = []
    for (const [served, seconds] of [
      [1, 40],
      [2, 30],
      [3, 20],
    ] as const) {
      ids.push(
        await insertRun(http.knex, '16', { served_request: served, started_at: secondsBefore(seconds) }),
      )
    }
    const wanted = { realmId: '16', request: 2, pollMs: 1, signal: new AbortController().signal }
    expect(await waitForRun(http.knex, wanted)).toMatchObject({ id: ids[1] })
  })

  test('ends when its signal says so, and looks no more', async () => {
    const over = new AbortController()
    const wanted = { realmId: '1', request: 999, pollMs: 60_000, signal: over.signal }
    const waited = waitForRun(http.knex, wanted)
    over.abort()
    expect(await waited).toBeNull()
    http.statements.length = 0
    expect(await waitForRun(http.knex, wanted)).toBeNull()
    expect(http.statements).toEqual([])
  })
})
