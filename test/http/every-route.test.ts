import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import request, { type Test } from 'supertest'
import { fieldsOf } from './answers.ts'
import { ADMIN_TOKEN, openHttp, type OpenHttp } from './open-http.ts'
import { insertSyncedCompany } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  await insertSyncedCompany(http.knex, '1')
})

afterAll(() => http.close())

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

interface Route {
  readonly path: string
  readonly methods: readonly Method[]
}

/** The routes as the router itself lists them, so that none can be forgotten here. */
function routesOf(app: Express): Route[] {
  const router = app.router as unknown as { listRoutes(): { path: string; methods: string[] }[] }
  return router.listRoutes().map(({ path, methods }) => ({
    path,
    methods: methods
      .filter((method) => method !== '*' && method !== 'HEAD')
      .map((method) => method.toLowerCase() as Method),
  }))
}

/** A route's address with ids in it that exist or could. */
function address({ path }: Route): string {
  return path.replace(':entity', 'bill').replaceAll(/:\w+/g, '1')
}

const OPEN = ['/healthz', '/readyz', '/metrics', '/openapi.json']
// For Intuit, which signs a body of its own form instead of showing a token.
const SIGNED = '/webhooks/quickbooks'

function expectProblem(
  { body, headers }: { body: unknown; headers: Record<string, string> },
  status: number,
) {
  expect(headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(body).toMatchObject({
    type: 'about:blank',
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code: expect.any(String),
    requestId: headers['x-request-id'],
    instance: `urn:ledger-mirror:request:${headers['x-request-id']}`,
  })
}

describe('every route', () => {
  test('is one of those that are promised', () => {
    const routes = routesOf(http.app).flatMap(({ path, methods }) =>
      methods.map((method) => `${method} ${path}`),
    )
    expect(routes.sort()).toEqual([
      'get /admin/companies',
      'get /admin/companies/:realmId',
      'get /admin/companies/:realmId/events',
      'get /admin/companies/:realmId/rejects',
      'get /admin/connections/at-risk',
      'get /admin/dead-letters',
      'get /admin/events',
      'get /admin/sync/runs',
      'get /admin/sync/runs/:id',
      'get /api/changes',
      'get /api/companies',
      'get /api/companies/:realmId/balances',
      'get /api/companies/:realmId/balances/:qboId',
      'get /api/companies/:realmId/balances/:qboId/series',
      'get /api/companies/:realmId/balances/:qboId/versions',
      'get /api/companies/:realmId/balances/:qboId/versions/compare',
      'get /api/companies/:realmId/bills',
      'get /api/companies/:realmId/bills/:qboId',
      'get /api/companies/:realmId/bills/:qboId/versions',
      'get /api/companies/:realmId/bills/:qboId/versions/compare',
      'get /api/companies/:realmId/changes',
      'get /api/companies/:realmId/customers',
      'get /api/companies/:realmId/customers/:qboId',
      'get /api/companies/:realmId/customers/:qboId/versions',
      'get /api/companies/:realmId/customers/:qboId/versions/compare',
      'get /api/companies/:realmId/invoices',
      'get /api/companies/:realmId/invoices/:qboId',
      'get /api/companies/:realmId/invoices/:qboId/versions',
      'get /api/companies/:realmId/invoices/:qboId/versions/compare',
      'get /api/companies/:realmId/vendors',
      'get /api/companies/:realmId/vendors/:qboId',
      'get /api/companies/:realmId/vendors/:qboId/versions',
      'get /api/companies/:realmId/vendors/:qboId/versions/compare',
      'get /api/portfolio',
      'get /healthz',
      'get /metrics',
      'get /openapi.json',
      'get /readyz',
      'patch /admin/companies/:realmId',
      'post /admin/companies/:realmId/disappearances/:entity/confirm',
      'post /admin/companies/:realmId/disconnect',
      'post /admin/companies/:realmId/pause',
      'post /admin/companies/:realmId/rejects/retry',
      'post /admin/companies/:realmId/resume',
      'post /admin/dead-letters/redrive',
      'post /admin/sync',
      'post /admin/sync/:realmId',
      'post /webhooks/quickbooks',
      'put /admin/companies/:realmId',
    ])
  })

  test('but the open ones wants the token, and tells nothing without it', async () => {
    for (const route of routesOf(http.app).filter(({ path }) => ![...OPEN, SIGNED].includes(path))) {
      for (const method of route.methods) {
        for (const authorization of [
          undefined,
          '',
          'Bearer',
          'Bearer ',
          'Bearer wrong',
          `Bearer ${ADMIN_TOKEN}x`,
          `Bearer ${ADMIN_TOKEN.slice(1)}`,
          `Basic ${ADMIN_TOKEN}`,
          ADMIN_TOKEN,
        ]) {
          const asked: Test = request(http.app)[method](address(route))
          if (authorization !== undefined) void asked.set('Authorization', authorization)
          const answer = await asked
          expect([method, route.path, authorization, answer.status]).toEqual([
            method,
            route.path,
            authorization,
            401,
          ])
          expect(answer.headers['www-authenticate']).toBe('Bearer')
          expect(answer.body.code).toBe('unauthorized')
          expectProblem(answer, 401)
        }
      }
    }
  })

  test('that is open needs none', async () => {
    for (const path of OPEN) await request(http.app).get(path).expect(200)
  })

  test('refuses other methods and says which it has', async () => {
    for (const route of routesOf(http.app)) {
      const others = (['get', 'post', 'put', 'patch', 'delete'] as const).filter(
        (method) => !route.methods.includes(method),
      )
      for (const method of others) {
        const answer = await http.send(method, address(route))
        expect([method, route.path, answer.status]).toEqual([method, route.path, 405])
        expectProblem(answer, 405)
        for (const allowed of route.methods) expect(answer.headers['allow']).toContain(allowed.toUpperCase())
        expect(answer.headers['allow']).not.toContain(method.toUpperCase())
      }
    }
  })

  test('tells its methods when asked for its options', async () => {
    const { headers } = await request(http.app)
      .options('/admin/companies/1')
      .set('Authorization', `Bearer ${ADMIN_TOKEN}`)
      .expect(204)
    expect(headers['allow']).toBe('GET, HEAD, PATCH, PUT, OPTIONS')
  })

  test('that takes an id refuses one that is none, and names it', async () => {
    for (const route of routesOf(http.app).filter(({ path }) => path.includes(':'))) {
      for (const parameter of route.path.match(/:\w+/g) ?? []) {
        for (const wrong of ['abc', '1e3', '-1', '%00', '%F0%9F%92%A9', '9'.repeat(33), "1'--", '1%20']) {
          const path = route.path
            .replace(parameter, wrong)
            .replace(':entity', 'bill')
            .replaceAll(/:\w+/g, '1')
          const [method] = route.methods
          const answer = await http.send(method!, path)
          expect([path, answer.status]).toEqual([path, 400])
          expect(answer.body.errors[0].field).toBe(parameter.slice(1))
          expectProblem(answer, 400)
        }
      }
    }
  })

  test('refuses parameters that it does not know, however they are spelled', async () => {
    for (const route of routesOf(http.app).filter(({ path }) => ![...OPEN, SIGNED].includes(path))) {
      for (const method of route.methods) {
        for (const name of ['limit[]', 'nonsense', '__proto__', 'constructor', 'limit[$gt]', '\u0000', '']) {
          const asked = http.send(method, `${address(route)}?${encodeURIComponent(name)}=1`)
          const answer = await (method === 'put' ? asked.send({ refreshToken: 'r' }) : asked)
          expect([route.path, name, answer.status]).toEqual([route.path, name, 400])
          // A control character is shown as a sign that a page and a terminal can bear.
          expect(fieldsOf(answer)).toEqual([name.replace('\u0000', '\uFFFD') || 'query'])
        }
      }
    }
  })

  test('that lists takes a limit of 1 to 1000 and nothing else', async () => {
    const lists = routesOf(http.app).filter(
      ({ path, methods }) =>
        /(companies|rejects|runs|bills|invoices|balances|vendors|customers)$/.test(path) &&
        methods.includes('get'),
    )
    expect(lists).toHaveLength(9)
    for (const list of lists) {
      for (const limit of [
        '0',
        '1001',
        '-1',
        '1.0',
        '1e2',
        '0x10',
        '',
        ' ',
        '١',
        '9'.repeat(400),
        'NaN',
        '1&limit=2',
      ]) {
        const answer = await http.send('get', `${address(list)}?limit=${limit}`)
        expect([list.path, limit, answer.status]).toEqual([list.path, limit, 400])
        expect(fieldsOf(answer)).toEqual(['limit'])
      }
      for (const limit of ['1', '100', '999', '1000']) {
        const { body } = await http.send('get', `${address(list)}?limit=${limit}`).expect(200)
        expect(Object.keys(body)).toEqual(expect.arrayContaining(['data', 'nextCursor']))
      }
      for (const cursor of ['x', '', '%00', 'AAAAAAAAAAAA', '9'.repeat(2000), '1&cursor=2', '%F0%9F%92%A9']) {
        const answer = await http.send('get', `${address(list)}?cursor=${cursor}`)
        expect([list.path, cursor, answer.status]).toEqual([list.path, cursor, 400])
        expect(fieldsOf(answer)).toEqual(['cursor'])
      }
    }
  })

  test('survives bodies that are none', async () => {
    const writers = routesOf(http.app).filter(
      ({ path, methods }) => path !== SIGNED && methods.some((method) => method !== 'get'),
    )
    for (const route of writers) {
      const method = route.methods.find((candidate) => candidate !== 'get')!
      const send = () => http.send(method, address(route))
      for (const [body, type, status] of [
        ['{"mode":', 'application/json', 400],
        ['null', 'application/json', 400],
        ['"text"', 'application/json', 400],
        ['[1]', 'application/json', 400],
        ['{"a":1,"a":2}', 'application/json', 400],
        [`{"a":${'['.repeat(40_000)}${']'.repeat(40_000)}}`, 'application/json', 400],
        [`{"a":"${'x'.repeat(1_000_000)}"}`, 'application/json', 413],
        ['mode=full', 'application/x-www-form-urlencoded', 415],
        ['<mode/>', 'text/xml', 415],
        ['{}', 'application/json; charset=iso-8859-1', 415],
        ['x'.repeat(1_000_000), 'text/plain', 415],
      ] as const) {
        const answer = await send().set('Content-Type', type).send(body)
        expect([route.path, body.slice(0, 20), answer.status]).toEqual([
          route.path,
          body.slice(0, 20),
          status,
        ])
        expectProblem(answer, status)
        expect(answer.body.code).toBe('invalid_request')
      }
      for (const encoding of ['gzip', 'br', 'nonsense']) {
        const answer = await send()
          .set('Content-Type', 'application/json')
          .set('Content-Encoding', encoding)
          .send('this is not compressed')
        expect([400, 415]).toContain(answer.status)
        expectProblem(answer, answer.status)
      }
    }
  })
})

describe('an address without a route', () => {
  test('is not found', async () => {
    for (const path of [
      '/',
      '/nothing',
      '/admin/nothing',
      '/api',
      '/api/companies/1',
      '/healthz/x',
      '//admin',
      '/%2e%2e/etc',
    ]) {
      const answer = await http.send('get', path)
      expect([path, answer.status]).toEqual([path, 404])
      expect(answer.body.code).toBe('not_found')
      expectProblem(answer, 404)
    }
  })

  test('under /admin or /api is not told from one with a route without the token', async () => {
    await request(http.app).get('/admin/nothing').expect(401)
    await request(http.app).get('/api/nothing').expect(401)
    await request(http.app).delete('/ADMIN/companies/1').expect(401)
  })

  test('or with broken percent-encoding is a bad request', async () => {
    const answer = await http.send('get', '/admin/companies/%E0%A4%A')
    expectProblem(answer, 400)
    expect(answer.body.errors).toEqual([{ field: 'path', message: 'is not percent-encoded properly' }])
  })
})
