import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { ADMIN_TOKEN, openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany } from './rows.ts'

const READ_TOKEN = 'a-token-for-readers-alone'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp({ readToken: READ_TOKEN, metricsToken: 'a-token-for-metrics' })
  await insertCompany(http.knex, '1')
})

afterAll(() => http.close())

function as(token: string, path: string) {
  return request(http.app).get(path).set('Authorization', `Bearer ${token}`)
}

describe('a token for readers', () => {
  test('opens the API, as that of the admin does', async () => {
    for (const token of [READ_TOKEN, ADMIN_TOKEN]) {
      const { body } = await as(token, '/api/companies').expect(200)
      expect(body.data).toHaveLength(1)
    }
  })

  test.each(['/admin/companies', '/admin/sync/runs', '/admin/nothing', '/metrics'])(
    'does not open %s',
    async (path) => {
      await as(READ_TOKEN, path).expect(401)
    },
  )

  test('changes nothing', async () => {
    await request(http.app)
      .post('/admin/sync')
      .set('Authorization', `Bearer ${READ_TOKEN}`)
      .send({})
      .expect(401)
    expect(http.queued).toEqual([])
  })

  test('where none is set none opens anything', async () => {
    const closed = await openHttp()
    try {
      await request(closed.app).get('/api/companies').set('Authorization', `Bearer ${READ_TOKEN}`).expect(401)
    } finally {
      await closed.close()
    }
  })
})
