import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { fieldsOf } from './answers.ts'
import { openHttp, refusal, type OpenHttp } from './open-http.ts'
import { insertCompany, insertReject, insertRun, insertState, NOW, secondsBefore } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
})

afterEach(() => {
  http.intuit.refresh = http.intuit.tryAccess = http.intuit.revoke = () => Promise.resolve()
})

afterAll(() => http.close())

const iso = (seconds: number) => secondsBefore(seconds).toISOString()

describe('GET /admin/companies/:realmId', () => {
  test('shows how the company is, how fresh its mirror is, and what its runs came to', async () => {
    const { knex } = http
    await insertCompany(knex, '1001', {
      home_currency: 'USD',
      country: 'US',
      time_zone: 'America/Denver',
      last_success_at: secondsBefore(300),
      created_at: secondsBefore(5000),
    })
    await knex('connections').insert({
      realm_id: '1001',
      environment: 'sandbox',
      access_token_ciphertext: 'v1:k1:cipher-access',
      access_token_expires_at: secondsBefore(-1800),
      refresh_token_ciphertext: 'v1:k1:cipher-refresh',
      refresh_token_expires_at: secondsBefore(-8_000_000),
      updated_at: NOW,
    })
    await insertState(knex, '1001', 'bill', {
      watermark: secondsBefore(301.5),
      last_synced_at: secondsBefore(300),
      listing: { startedAt: iso(400), request: 1, cursor: null },
    })
    const failed = await insertRun(knex, '1001', {
      status: 'failed',
      started_at: secondsBefore(1200),
      finished_at: secondsBefore(1190),
      error_code: 'unavailable',
      error_message: 'QuickBooks answered 502',
      intuit_tid: 'tid-9',
    })
    const last = await insertRun(knex, '1001', { started_at: secondsBefore(301), served_request: 4 })
    await insertReject(knex, '1001', { qbo_id: '1' })
    await insertReject(knex, '1001', { qbo_id: '2', resolved_at: NOW })
    await knex('quickbooks_calls').insert([
      { realm_id: '1001', day: '2026-03-01', operation: 'cdc', status: '200', calls: 5, metered_calls: 5 },
      {
        realm_id: '1001',
        day: '2026-03-09',
        operation: 'refresh',
        status: '200',
        calls: 2,
        metered_calls: 0,
      },
      { realm_id: '1001', day: '2026-02-28', operation: 'cdc', status: '200', calls: 90, metered_calls: 90 },
    ])

    const { body } = await http.send('get', '/admin/companies/1001').expect(200)
    const well = { error: null, disappearance: null }
    const unseen = {
      watermark: null,
      lastSyncedAt: null,
      lagSeconds: 5000,
      late: true,
      listingInProgress: false,
      ...well,
    }
    expect(body).toEqual({
      realmId: '1001',
      name: 'Company 1001',
      status: 'active',
      statusReason: {
        code: 'invalid_payload',
        message: 'bill 1 could not be taken: TotalAmt should be an amount',
      },
      whatToDo: expect.stringContaining('GET /admin/companies/1001/rejects'),
      maxLagMinutes: null,
      tags: [],
      statusChangedAt: iso(86_400),
      homeCurrency: 'USD',
      country: 'US',
      timeZone: 'America/Denver',
      registeredAt: iso(5000),
      connection: {
        environment: 'sandbox',
        accessTokenExpiresAt: iso(-1800),
        refreshTokenExpiresAt: iso(-8_000_000),
      },
      entities: {
        vendor: unseen,
        customer: unseen,
        balance: unseen,
        bill: {
          watermark: iso(301.5),
          lastSyncedAt: iso(300),
          lagSeconds: 301.5,
          late: false,
          listingInProgress: true,
          ...well,
        },
        invoice: unseen,
      },
      neverSynced: false,
      late: true,
      lastSuccessAt: iso(300),
      lastRun: expect.objectContaining({ id: last, status: 'succeeded', servedRequest: 4, error: null }),
      lastError: {
        code: 'unavailable',
        message: 'QuickBooks answered 502',
        intuitTid: 'tid-9',
        at: iso(1190),
        runId: failed,
      },
      nextSyncAt: iso(-600),
      nextSyncReason: 'every 15 minutes',
      lastWebhookAt: null,
      notBefore: null,
      rejects: 1,
      callsThisMonth: { total: 7, metered: 5 },
    })
    expect(JSON.stringify(body)).not.toContain('cipher')
  })

  test.each([
    ['paused', {}, { code: 'company_inactive', message: 'it was paused' }, /resume/],
    [
      'disconnected',
      {},
      { code: 'company_inactive', message: 'it was disconnected' },
      /^Connect it again: PUT \/admin\/companies\/11\d+ with/,
    ],
    [
      'needs_reauth',
      { status_code: 'needs_reauth' },
      { code: 'needs_reauth', message: 'invalid_grant: token revoked' },
      /^Connect it again/,
    ],
    ['unavailable', { status_code: 'company_unavailable' }, { code: 'company_unavailable' }, /subscription/],
    [
      'active',
      { failing_code: 'throttled', not_before: secondsBefore(-50), not_before_code: 'throttled' },
      { code: 'throttled' },
      /slow down/,
    ],
  ])('a company that is %s says why and what to do about it', async (status, row, reason, advice) => {
    const realmId = `11${status.length}${Object.keys(row).length}`
    await insertCompany(http.knex, realmId, { status, ...row })
    await insertRun(http.knex, realmId, {
      status: 'failed',
      error_code: 'needs_reauth',
      error_message: 'invalid_grant: token revoked',
    })
    const { body } = await http.send('get', `/admin/companies/${realmId}`).expect(200)
    expect(body).toMatchObject({ status, statusReason: reason, whatToDo: expect.stringMatching(advice) })
    expect(body.nextSyncAt === null).toBe(!['active', 'unavailable'].includes(status))
  })

  test('a pause of all calls is the reason of companies that are well', async () => {
    await insertCompany(http.knex, '1201')
    await http.knex('service_state').update({
      calls_paused_until: secondsBefore(-120),
      calls_paused_code: 'app_misconfigured',
      calls_paused_reason: 'invalid_client',
    })
    const { body } = await http.send('get', '/admin/companies/1201').expect(200)
    expect(body).toMatchObject({
      statusReason: { code: 'app_misconfigured', message: 'invalid_client' },
      whatToDo: expect.stringMatching(/QBO_CLIENT_SECRET/),
    })
    await http.knex('service_state').update({ calls_paused_until: null })
    const after = await http.send('get', '/admin/companies/1201').expect(200)
    expect(after.body.statusReason).toBeNull()
  })

  test('a company is late once an entity lags by more than a third over the interval', async () => {
    await insertCompany(http.knex, '1301', { created_at: secondsBefore(1200) })
    expect((await http.send('get', '/admin/companies/1301')).body.late).toBe(false)
    await http
      .knex('companies')
      .where({ realm_id: '1301' })
      .update({ created_at: secondsBefore(1201) })
    expect((await http.send('get', '/admin/companies/1301')).body.late).toBe(true)
    await http.knex('companies').where({ realm_id: '1301' }).update({ status: 'paused' })
    expect((await http.send('get', '/admin/companies/1301')).body.late).toBe(false)
  })

  test.each([
    [{ requested_seq: 5, served_seq: 4 }, 'it was asked for'],
    [{ not_before: secondsBefore(-60), not_before_code: 'throttled' }, 'it waits after throttled'],
    [{ status: 'paused' }, null],
  ])('a company of %j says why its next run is when it is', async (row, nextSyncReason) => {
    const realmId = `14${Object.keys(row).join('').length}`
    await insertCompany(http.knex, realmId, row)
    expect((await http.send('get', `/admin/companies/${realmId}`)).body).toMatchObject({ nextSyncReason })
  })

  test('one that is not registered is not found', async () => {
    const { body } = await http.send('get', '/admin/companies/99').expect(404)
    expect(body).toMatchObject({ code: 'not_found', detail: 'no company 99 is registered' })
  })
})

describe('GET /admin/companies', () => {
  test('pages through all of them in one order, each shown as it is alone', async () => {
    const paged: { realmId: string }[] = []
    let cursor: string | null = null
    do {
      const path: string = `/admin/companies?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`
      const { body } = await http.send('get', path).expect(200)
      expect(body.data.length).toBeLessThanOrEqual(3)
      paged.push(...body.data)
      cursor = body.nextCursor
    } while (cursor !== null)
    const realmIds = await http.knex('companies').orderBy('realm_id').pluck<string[]>('realm_id')
    expect(paged.map((company) => company.realmId)).toEqual(realmIds)
    const alone = await http.send('get', '/admin/companies/1001')
    expect(paged.find((company) => company.realmId === '1001')).toEqual(alone.body)
  })

  test('takes as many statements for many companies as for one', async () => {
    http.statements.length = 0
    await http.send('get', '/admin/companies?limit=1').expect(200)
    const forOne = http.statements.length
    http.statements.length = 0
    await http.send('get', '/admin/companies?limit=1000').expect(200)
    expect(http.statements.length).toBe(forOne)
  })
})

describe('the filters of GET /admin/companies', () => {
  const find = async (query: string) => {
    const { body } = await http.send('get', `/admin/companies?${query}`).expect(200)
    return (body.data as { realmId: string }[]).map(({ realmId }) => realmId)
  }

  beforeAll(async () => {
    const { knex } = http
    const fresh = { watermark: secondsBefore(60), last_synced_at: secondsBefore(60) }
    await insertCompany(knex, '7001', { name: 'Filter Café GmbH' })
    await insertCompany(knex, '7002', { name: 'Filter 100% Punctual' })
    for (const entity of ['vendor', 'customer', 'balance', 'bill', 'invoice']) {
      await insertState(knex, '7002', entity, fresh)
    }
    await insertCompany(knex, '7003', { name: 'Filter Paused', status: 'paused' })
    await insertCompany(knex, '7004', { name: 'Filter Late Again' })
  })

  afterAll(async () => {
    await http.knex('companies').where('realm_id', 'like', '700_').update({ name: null, status: 'paused' })
  })

  test('take a part of the name in any case, or a whole realm id, and no pattern', async () => {
    expect(await find('search=FILTER%20CAF')).toEqual(['7001'])
    expect(await find('search=7003')).toEqual(['7003'])
    expect(await find('search=700')).toEqual([])
    expect(await find('search=filter%20%25')).toEqual([])
    expect(await find('search=100%25')).toEqual(['7002'])
  })

  test('take a status', async () => {
    expect(await find('search=filter&status=paused')).toEqual(['7003'])
    expect(await find('search=filter&status=active')).toEqual(['7001', '7002', '7004'])
  })

  test('take whether the promise is broken, as each company is shown', async () => {
    expect(await find('search=filter&late=true')).toEqual(['7001', '7004'])
    expect(await find('search=filter&late=false')).toEqual(['7002', '7003'])
  })

  test('page through what they leave, and bind the cursor to it', async () => {
    const path = '/admin/companies?search=filter&late=true&limit=1'
    const { body: first } = await http.send('get', path).expect(200)
    expect(first.data).toMatchObject([{ realmId: '7001' }])
    const { body: second } = await http.send('get', `${path}&cursor=${first.nextCursor}`).expect(200)
    expect(second).toMatchObject({ data: [{ realmId: '7004' }], nextCursor: null })
    for (const other of ['search=filter&late=false', 'search=filter', 'status=active', '']) {
      const answer = await http.send('get', `/admin/companies?${other}&cursor=${first.nextCursor}`)
      expect(answer.status).toBe(400)
      expect(fieldsOf(answer)).toEqual(['cursor'])
    }
  })

  test('look further than one reading of companies for those that are late', async () => {
    const { knex } = http
    const row = { status_changed_at: NOW, next_sync_at: NOW, created_at: NOW, name: 'Crowd' }
    const crowd = Array.from({ length: 250 }, (_, at) => ({ ...row, realm_id: String(8000 + at) }))
    await knex('companies').insert(crowd)
    await insertCompany(knex, '8900', { name: 'Crowd, the last and late' })
    expect(await find('search=crowd&late=true&limit=1')).toEqual(['8900'])
    await knex('companies').where('name', 'like', 'Crowd%').update({ name: null, status: 'paused' })
  })

  test('name what is wrong with them, and what is known', async () => {
    const answer = await http.send('get', '/admin/companies?status=gone&late=yes&search=').expect(400)
    expect(fieldsOf(answer)).toEqual(['status', 'late', 'search'])
    expect(answer.body.detail).toContain('must be one of active, paused')
    const twiceWrong = await http.send('get', `/admin/companies?search=${'%00'.repeat(101)}`).expect(400)
    expect(fieldsOf(twiceWrong)).toEqual(['search'])
    const unknown = await http.send('get', '/admin/companies?tag=x').expect(400)
    expect(unknown.body.detail).toContain('known fields are status, late, search, limit, cursor')
  })
})

describe('PUT /admin/companies/:realmId', () => {
  const put = (realmId: string, body: object) => http.send('put', `/admin/companies/${realmId}`).send(body)

  test('registers a company, tries its tokens and queues its backfill', async () => {
    const { body, headers } = await put('2001', { refreshToken: 'r-1' }).expect(201)
    expect(headers['location']).toBe('/admin/companies/2001')
    expect(body).toMatchObject({
      realmId: '2001',
      name: 'Name at Intuit',
      status: 'active',
      request: 1,
      connection: { environment: 'simulator', accessTokenExpiresAt: iso(-3600) },
      callsThisMonth: { total: 2, metered: 1 },
    })
    expect(http.queued).toContain('2001')
    const company = await http.knex('companies').where({ realm_id: '2001' }).first()
    expect(company).toMatchObject({ requested_mode: 'full', requested_trigger: 'backfill' })
  })

  test('replaces the tokens of a known company', async () => {
    const { body } = await put('2001', {
      refreshToken: 'r-2',
      accessToken: 'a-2',
      accessTokenExpiresAt: '2026-03-10T08:30:00-04:00',
      name: 'Renamed',
    }).expect(200)
    expect(body).toMatchObject({
      name: 'Renamed',
      request: 2,
      connection: { accessTokenExpiresAt: '2026-03-10T12:30:00.000Z' },
    })
  })

  test('tokens that Intuit refuses are unprocessable, and nothing is registered', async () => {
    http.intuit.refresh = refusal('needs_reauth', 'Intuit refuses the refresh token', { intuitTid: 'tid-1' })
    const { body } = await put('2002', { refreshToken: 'dead' }).expect(422)
    expect(body).toMatchObject({
      status: 422,
      title: 'Unprocessable Entity',
      code: 'needs_reauth',
      detail: 'Intuit refuses the refresh token',
      intuitTid: 'tid-1',
    })
    await http.send('get', '/admin/companies/2002').expect(404)
  })

  test('credentials of the service that Intuit refuses are not the fault of the request', async () => {
    http.intuit.refresh = refusal('app_misconfigured', 'invalid_client')
    const { body } = await put('2003', { refreshToken: 'r' }).expect(503)
    expect(body.code).toBe('app_misconfigured')
  })

  test('an Intuit that asks for patience says for how long', async () => {
    http.intuit.refresh = refusal('throttled', 'slow down', { retryAfterSeconds: 40.2 })
    const { body, headers } = await put('2003', { refreshToken: 'r' }).expect(503)
    expect(body.code).toBe('throttled')
    expect(headers['retry-after']).toBe('41')
  })

  test.each([
    [['refreshToken'], {}],
    [['refreshToken'], { refreshToken: '' }],
    [['refreshToken'], { refreshToken: ['r'] }],
    [['refreshToken'], { refreshToken: 'r\u0000' }],
    [['refreshToken'], { refreshToken: 'r'.repeat(5000) }],
    [['name'], { refreshToken: 'r', name: 'a\u0000b' }],
    [['name', 'extra', 'more'], { refreshToken: 'r', name: 7, extra: 1, more: 2 }],
    [['accessTokenExpiresAt'], { refreshToken: 'r', accessToken: 'a' }],
    [['accessToken'], { refreshToken: 'r', accessTokenExpiresAt: '2026-03-10T00:00:00Z' }],
    [['accessTokenExpiresAt'], { refreshToken: 'r', accessToken: 'a', accessTokenExpiresAt: 'soon' }],
    [['body'], []],
  ])('names %j when just that is wrong', async (fields, body) => {
    const answer = await put('2004', body).expect(400)
    expect(answer.body.code).toBe('invalid_request')
    expect(fieldsOf(answer)).toEqual(fields)
    for (const field of fields) expect(answer.body.detail).toContain(`${field}: `)
  })

  test('a field called __proto__ is one that is not known', async () => {
    const { body } = await http
      .send('put', '/admin/companies/2004')
      .type('json')
      .send('{"refreshToken":"r","__proto__":{"name":"x"},"constructor":1}')
      .expect(400)
    expect(fieldsOf({ body })).toEqual(['__proto__', 'constructor'])
  })
})

describe('POST /admin/companies/:realmId/…', () => {
  test('pause, resume and disconnect answer with the company as it is then', async () => {
    await http.send('put', '/admin/companies/3001').send({ refreshToken: 'r' }).expect(201)
    const paused = await http.send('post', '/admin/companies/3001/pause').expect(200)
    expect(paused.body).toMatchObject({ realmId: '3001', status: 'paused', nextSyncAt: null })
    const resumed = await http.send('post', '/admin/companies/3001/resume').expect(200)
    expect(resumed.body).toMatchObject({ status: 'active', whatToDo: null })
    const gone = await http.send('post', '/admin/companies/3001/disconnect').send({}).expect(200)
    expect(gone.body).toMatchObject({ status: 'disconnected', notRevokedBecause: null })
    expect(gone.body.connection.accessTokenExpiresAt).toBeNull()
    const again = await http.send('post', '/admin/companies/3001/resume').expect(409)
    expect(again.body).toMatchObject({ code: 'company_inactive', status: 409 })
  })

  test('a disconnect that Intuit did not hear of says so and stands', async () => {
    await http.send('put', '/admin/companies/3002').send({ refreshToken: 'r' }).expect(201)
    http.intuit.revoke = refusal('unavailable', 'Intuit does not answer')
    const { body } = await http.send('post', '/admin/companies/3002/disconnect').expect(200)
    expect(body).toMatchObject({ status: 'disconnected', notRevokedBecause: 'Intuit does not answer' })
  })

  test.each(['pause', 'resume', 'disconnect'])('%s of an unknown company is not found', async (operation) => {
    await http.send('post', `/admin/companies/98/${operation}`).expect(404)
  })

  test.each(['pause', 'resume', 'disconnect'])('%s takes no words', async (operation) => {
    const { body } = await http.send('post', `/admin/companies/98/${operation}`).send({ why: 1 }).expect(400)
    expect(body.errors).toEqual([{ field: 'why', message: 'is not known here' }])
  })
})
