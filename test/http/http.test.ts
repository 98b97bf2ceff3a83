import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import { createHttp } from '../../src/http/http.ts'
import { parseExposition } from '../metrics/parse-exposition.ts'
import { openHttp, refusal, type OpenHttp } from './open-http.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
})

afterAll(() => http.close())

describe('health', () => {
  test('lives as long as the process', async () => {
    const { body } = await request(http.app).get('/healthz').expect(200)
    expect(body).toEqual({ status: 'ok' })
  })

  test('is ready when nothing is missing, and else says what', async () => {
    let missing: string[] = []
    const app = createHttp({ ...http.options, readiness: () => Promise.resolve(missing) })
    expect((await request(app).get('/readyz').expect(200)).body).toEqual({ status: 'ready', stopped: null })
    missing = ['Postgres does not answer', 'pg-boss does not run']
    const { body, headers } = await request(app).get('/readyz').expect(503)
    expect(body).toMatchObject({
      status: 503,
      code: 'unavailable',
      detail: 'Postgres does not answer; pg-boss does not run',
      missing,
    })
    expect(headers['retry-after']).toBeDefined()
  })

  test('is told to the log when it changes, and not for each probe', async () => {
    let missing: string[] = []
    const app = createHttp({ ...http.options, readiness: () => Promise.resolve(missing) })
    const probe = async (nowMissing: string[]) => {
      missing = nowMissing
      for (let times = 0; times < 3; times += 1) await request(app).get('/readyz')
    }
    http.logLines.length = 0
    await probe([])
    await probe(['Postgres does not answer'])
    await probe(['migration x is not applied: run npm run migrate'])
    await probe([])
    const told = http.logLines.filter(({ level }) => level !== 'debug')
    expect(told.map(({ level, message, missing: what }) => [level, message, what])).toEqual([
      ['warn', 'not ready', ['migration x is not applied: run npm run migrate']],
      ['info', 'ready again', undefined],
    ])
  })
})

describe('/metrics', () => {
  test('is Prometheus text, and counts the requests by route', async () => {
    await http.send('get', '/admin/companies/123456')
    await request(http.app).get('/admin/companies/123456').expect(401)
    const { text, headers } = await request(http.app).get('/metrics').expect(200)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    const { series } = parseExposition(text)
    const count = (labels: string) => series.get(`ledger_http_request_duration_seconds_count{${labels}}`)
    expect(count('method="GET",route="/admin/companies/:realmId",status="404"')).toBe(1)
    expect(count('method="GET",route="none",status="401"')).toBe(1)
    expect(text).not.toContain('123456')
    expect(series.get('ledger_collector_up{collector="sync"}')).toBe(1)
  })

  test('wants its own token where one is set, and not the admin’s', async () => {
    const app = createHttp({ ...http.options, metricsToken: 'metrics-token' })
    const scrape = (token: string) => request(app).get('/metrics').set('Authorization', `Bearer ${token}`)
    await request(app).get('/metrics').expect(401).expect('WWW-Authenticate', 'Bearer')
    await scrape('the-admin-token').expect(401)
    await scrape('metrics-token').expect(200)
    await request(app).get('/admin/companies').set('Authorization', 'Bearer metrics-token').expect(401)
  })
})

describe('the token of a reader', () => {
  const READ_TOKEN = 'the-read-token-4711'
  const ask = (app: Express, path: string, token: string) =>
    request(app).get(path).set('Authorization', `Bearer ${token}`)

  test('opens /api beside the admin’s, and nothing else', async () => {
    const app = createHttp({ ...http.options, readToken: READ_TOKEN, metricsToken: 'metrics-token' })
    for (const token of [READ_TOKEN, 'the-admin-token']) await ask(app, '/api/companies', token).expect(200)
    await ask(app, '/api/companies', `${READ_TOKEN}x`).expect(401)
    for (const path of ['/admin/companies', '/admin/sync/runs', '/admin/nowhere', '/metrics']) {
      await ask(app, path, READ_TOKEN).expect(401)
    }
    await request(app).post('/admin/sync').set('Authorization', `Bearer ${READ_TOKEN}`).expect(401)
  })

  test('opens nothing where none is set', async () => {
    for (const token of ['null', 'undefined', READ_TOKEN]) {
      await ask(http.app, '/api/companies', token).expect(401)
    }
  })
})

describe('every answer', () => {
  test('is hardened, and those about companies are kept by nobody', async () => {
    const { headers } = await http.send('get', '/admin/companies').expect(200)
    expect(headers).not.toHaveProperty('x-powered-by')
    expect(headers).not.toHaveProperty('etag')
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'self'"),
      'cache-control': 'no-store',
    })
  })

  test('carries the request id it was given, or one of its own', async () => {
    const given = await request(http.app).get('/healthz').set('x-request-id', 'router-1:abc.DEF_9')
    expect(given.headers['x-request-id']).toBe('router-1:abc.DEF_9')
    for (const strange of ['a b', 'x'.repeat(129), '<script>', 'ä']) {
      const { headers } = await request(http.app).get('/healthz').set('x-request-id', strange)
      expect(headers['x-request-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    }
  })
})

describe('the log', () => {
  test('has one line a request, without query and token', async () => {
    http.logLines.length = 0
    await http
      .send('get', '/admin/companies?limit=1&token=in-the-query')
      .set('x-request-id', 'log-1')
      .expect(400)
    expect(http.logLines).toEqual([
      {
        level: 'debug',
        message: 'http request',
        timestamp: expect.any(String),
        requestId: 'log-1',
        method: 'GET',
        path: '/admin/companies',
        route: '/admin/companies',
        status: 400,
        durationMs: 0,
      },
    ])
  })

  test('tells of an inside error what the answer keeps to itself', async () => {
    const app = createHttp({
      ...http.options,
      registerCompany: () => Promise.reject(new Error('column "secret" does not exist')),
    })
    http.logLines.length = 0
    const { body, text } = await request(app)
      .put('/admin/companies/1')
      .set('Authorization', 'Bearer the-admin-token')
      .send({ refreshToken: 'the-refresh-token' })
      .expect(500)
    expect(body).toMatchObject({ code: 'internal', title: 'Internal Server Error' })
    expect(text).not.toContain('secret')
    expect(http.logLines).toEqual([
      expect.objectContaining({
        level: 'error',
        status: 500,
        requestId: body.requestId,
        error: expect.objectContaining({ message: 'column "secret" does not exist' }),
      }),
    ])
    expect(JSON.stringify(http.logLines)).not.toMatch(/the-admin-token|the-refresh-token/)
  })

  test('tells of a client that went away', async () => {
    const server = createServer(
      createHttp({ ...http.options, readiness: () => new Promise(() => {}) }),
    ).listen(0)
    const { port } = server.address() as { port: number }
    const gone = new AbortController()
    const closed = new Promise((resolve) =>
      server.once('request', (_request, response) => {
        response.once('close', resolve)
        gone.abort()
      }),
    )
    http.logLines.length = 0
    await expect(fetch(`http://127.0.0.1:${port}/readyz`, { signal: gone.signal })).rejects.toThrow()
    await closed
    await new Promise((resolve) => server.close(resolve))
    expect(http.logLines).toEqual([expect.objectContaining({ path: '/readyz', status: 499 })])
  })

  test('tells why Intuit could not be asked', async () => {
    http.intuit.refresh = refusal('unavailable', 'Intuit answered 502', { intuitTid: 'tid-4' })
    http.logLines.length = 0
    await http.send('put', '/admin/companies/5').send({ refreshToken: 'r' }).expect(503)
    expect(http.logLines).toEqual([
      expect.objectContaining({
        level: 'error',
        error: expect.objectContaining({ code: 'unavailable', message: 'Intuit answered 502' }),
      }),
    ])
  })
})
