import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openHttp, refusal, type OpenHttp } from '../http/open-http.ts'
import { insertSyncedCompany } from '../http/rows.ts'

let http: OpenHttp

beforeEach(async () => {
  http = await openHttp()
  await insertSyncedCompany(http.knex, '1', { name: 'Before', tags: ['a'] })
  await http.knex('connections').insert({ realm_id: '1', environment: 'simulator', updated_at: new Date() })
})

afterEach(() => http.close())

interface Event {
  readonly realm_id: string
  readonly kind: string
  readonly actor: string
  readonly detail: unknown
  readonly request_id: string | null
}

function events() {
  return http
    .knex('company_events')
    .orderBy('id')
    .select<Event[]>('realm_id', 'kind', 'actor', 'detail', 'request_id')
}

const kinds = async () => (await events()).map(({ kind }) => kind)

describe('who did what to a company is kept', () => {
  test('with the request that did it', async () => {
    const { headers } = await http.send('post', '/admin/companies/1/pause')
    expect(await events()).toEqual([
      {
        realm_id: '1',
        kind: 'paused',
        actor: 'admin token',
        detail: {},
        request_id: headers['x-request-id'],
      },
    ])
  })

  test('once, however often it is asked for', async () => {
    for (const action of ['pause', 'pause', 'resume', 'resume', 'disconnect', 'disconnect']) {
      await http.send('post', `/admin/companies/1/${action}`)
    }
    expect(await kinds()).toEqual(['paused', 'resumed', 'disconnected'])
  })

  test('for a registration, new tokens, and a company connected again', async () => {
    const put = (realmId: string) =>
      http.send('put', `/admin/companies/${realmId}`).send({ refreshToken: 'a-token' })
    await put('2')
    await put('2')
    await http.send('post', '/admin/companies/2/disconnect')
    await put('2')
    expect(await kinds()).toEqual(['registered', 'tokens_replaced', 'disconnected', 'connected'])
    expect(JSON.stringify(await events())).not.toContain('a-token')
  })

  test('not for tokens that Intuit refuses', async () => {
    http.intuit.refresh = refusal('needs_reauth', 'revoked')
    await http.send('put', '/admin/companies/2').send({ refreshToken: 'a-token' })
    expect(await kinds()).toEqual([])
  })

  test('with what a setting was and became; one that stays says nothing', async () => {
    await http.send('patch', '/admin/companies/1').send({ name: 'After', tags: ['a'], maxLagMinutes: 30 })
    expect((await events()).map(({ kind, detail }) => [kind, detail])).toEqual([
      ['settings_changed', { name: { from: 'Before', to: 'After' }, maxLagMinutes: { from: null, to: 30 } }],
    ])
    await http.send('patch', '/admin/companies/1').send({ tags: ['a'] })
    expect(await kinds()).toHaveLength(1)
  })

  test('after a purge too, with the reason', async () => {
    await http.send('post', '/admin/companies/1/disconnect')
    await http.knex.raw(`SELECT purge_company('1', 'the client has left the firm')`)
    const all = await events()
    expect(all.map(({ kind }) => kind)).toEqual(['disconnected', 'purged'])
    expect(all[1]!.detail).toMatchObject({ reason: 'the client has left the firm' })
  })
})
