import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import request, { type Test } from 'supertest'
import { openHttp, VERIFIER_TOKEN, type OpenHttp } from './open-http.ts'
import { listenRaw, statusOf, until } from './raw.ts'
import { insertCompany, NOW, secondsBefore } from './rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
})

beforeEach(async () => {
  await http.knex.raw('TRUNCATE companies CASCADE')
  await insertCompany(http.knex, '1')
  await insertCompany(http.knex, '2')
  http.queued.length = 0
  http.logLines.length = 0
})

afterAll(() => http.close())

function signed(text: string, verifierToken = VERIFIER_TOKEN): string {
  return createHmac('sha256', verifierToken).update(text).digest('base64')
}

function post(text: string, signature: string | null = signed(text), to = http): Test {
  const sent = request(to.app).post('/webhooks/quickbooks').set('Content-Type', 'application/json')
  return (signature === null ? sent : sent.set('intuit-signature', signature)).send(text)
}

function event(realmId: string, type = 'qbo.bill.updated.v1', more: object = {}) {
  return {
    specversion: '1.0',
    id: '0b9c6f5e-0000-4000-8000-000000000001',
    source: 'intuit.a1b2c3',
    type,
    time: '2026-11-22T15:12:40.123456789Z',
    intuitentityid: '145',
    intuitaccountid: realmId,
    data: {},
    ...more,
  }
}

async function requests(): Promise<Record<string, number>> {
  const rows = await http.knex('companies').select('realm_id', 'requested_seq').orderBy('realm_id')
  return Object.fromEntries(
    rows.map((row: { realm_id: string; requested_seq: number }) => [row.realm_id, row.requested_seq]),
  )
}

const NOTHING_ASKED = { 1: 0, 2: 0 }

describe('a signed webhook', () => {
  test('asks for a run of each company it tells of, with nothing in the answer', async () => {
    const answer = await post(JSON.stringify([event('1'), event('2'), event('1')])).expect(200)
    expect(answer.text).toBe('')
    expect(await requests()).toEqual({ 1: 1, 2: 1 })
    expect(http.queued.sort()).toEqual(['1', '2'])
    expect(await http.knex('companies').where({ realm_id: '1' }).first()).toMatchObject({
      requested_trigger: 'webhook',
      requested_mode: 'incremental',
      last_webhook_at: NOW,
    })
    const { body } = await http.send('get', '/admin/companies/1').expect(200)
    expect(body).toMatchObject({ lastWebhookAt: NOW.toISOString() })
  })

  test('is understood in the retired shape too', async () => {
    const entities = [{ name: 'Vendor', id: '31', operation: 'Merge', deletedId: '58' }]
    const body = { eventNotifications: [{ realmId: '2', dataChangeEvent: { entities } }] }
    await post(JSON.stringify(body)).expect(200)
    expect(await requests()).toEqual({ 1: 0, 2: 1 })
  })

  test.each(['created', 'deleted', 'merged', 'void', 'voided', 'emailed', 'neverHeardOf'])(
    'asks whatever happened: %s',
    async (what) => {
      await post(JSON.stringify([event('1', `qbo.invoice.${what}.v1`)])).expect(200)
      expect(await requests()).toEqual({ 1: 1, 2: 0 })
    },
  )

  test('asks for one run however many events come at once', async () => {
    const flood = Array.from({ length: 10_000 }, (_, number) =>
      event('1', 'qbo.invoice.updated.v1', { intuitentityid: String(number) }),
    )
    await post(JSON.stringify(flood)).expect(200)
    expect(await requests()).toEqual({ 1: 1, 2: 0 })
  })

  test('of what is not mirrored asks for nothing', async () => {
    await post(JSON.stringify([event('1', 'qbo.timeactivity.created.v1')])).expect(200)
    expect(await requests()).toEqual(NOTHING_ASKED)
  })

  test('is acknowledged with what is unknown in it, which holds nothing else back', async () => {
    const strange = [null, 7, 'x', [], {}, event('1', 'someone.else'), event("1' OR true")]
    const alien = event('987654321')
    await post(JSON.stringify([...strange, alien, event('2')])).expect(200)
    expect(await requests()).toEqual({ 1: 0, 2: 1 })
    expect(http.logLines).toContainEqual(
      expect.objectContaining({ level: 'warn', unreadable: strange.length, unknown: 1, companies: 1 }),
    )
  })

  test.each(['', '{', 'null', '"x"', '[]', '{"eventNotifications":7}', '\u0000', `${'['.repeat(5_000)}`])(
    'that says nothing is acknowledged all the same: %j',
    async (text) => {
      await post(text).expect(200)
      expect(await requests()).toEqual(NOTHING_ASKED)
    },
  )

  test('does not wake a company that a person paused, nor shorten a wait', async () => {
    await http.knex('companies').where({ realm_id: '1' }).update({ status: 'paused' })
    const wait = { not_before: secondsBefore(-300), not_before_code: 'unavailable' }
    await http.knex('companies').where({ realm_id: '2' }).update(wait)
    await post(JSON.stringify([event('1'), event('2')])).expect(200)
    expect(await requests()).toEqual({ 1: 0, 2: 1 })
    expect(await http.knex('companies').where({ realm_id: '2' }).first()).toMatchObject(wait)
  })
})

describe('a webhook is refused, and nothing is asked for,', () => {
  const text = JSON.stringify([event('1')])

  afterEach(async () => {
    expect(await requests()).toEqual(NOTHING_ASKED)
    expect(http.queued).toEqual([])
  })

  test.each([
    ['without a signature', null],
    ['with one of another token', signed(text, 'another-verifier-token')],
    ['with one of other bytes', signed(`${text} `)],
    ['with one that is cut', signed(text).slice(0, -8)],
    ['with an empty one', ''],
    ['with one that is no base64', '%%%'],
  ])('%s', async (_how, signature) => {
    const { body, headers } = await post(text, signature).expect(401)
    expect(body).toMatchObject({ code: 'unauthorized', requestId: headers['x-request-id'] })
    expect(JSON.stringify([body, http.logLines])).not.toContain(VERIFIER_TOKEN)
  })

  test('declared larger than 5 MB, before a byte of it is read', async () => {
    const server = await listenRaw(http.app, http.options.log)
    try {
      const head = 'POST /webhooks/quickbooks HTTP/1.1\r\nHost: x\r\nContent-Length: 5242881\r\n\r\n'
      const socket = await server.open()
      socket.write(head)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(statusOf(answer.toString())).toBe(413)
    } finally {
      await server.close()
    }
  })

  test('compressed, because what unpacks to more than it seems costs more than it seems', async () => {
    const sent = request(http.app).post('/webhooks/quickbooks').set('Content-Encoding', 'gzip')
    await sent.set('intuit-signature', signed(text)).send(text).expect(415)
  })

  test('with a query, which Intuit never sends', async () => {
    await request(http.app)
      .post('/webhooks/quickbooks?x=1')
      .set('intuit-signature', signed(text))
      .send(text)
      .expect(400)
  })
})

test('what strangers send takes no more memory than there is, and what Intuit sends goes on', async () => {
  const server = await listenRaw(http.app, http.options.log)
  const text = JSON.stringify([event('1')])
  // Without a length it may become the largest.
  const chunked = () =>
    server.exchange(
      [
        'POST /webhooks/quickbooks HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked',
        `intuit-signature: ${signed(text)}\r\n\r\n${text.length.toString(16)}`,
        `${text}\r\n0\r\n\r\n`,
      ].join('\r\n'),
    )
  try {
    const head =
      'POST /webhooks/quickbooks HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5242880\r\n\r\n'
    const sockets: Socket[] = []
    for (let sent = 0; sent < 6; sent++) {
      const socket = await server.open()
      sockets.push(socket)
      socket.write(head)
      // The request is taken before the client is told to go on.
      await once(socket, 'data')
    }
    const refused = await chunked()
    expect(statusOf(refused)).toBe(503)
    expect(refused).toContain('Retry-After: ')
    await post(text).expect(200)
    for (const socket of sockets) socket.destroy()
    await until(async () => statusOf(await chunked()) === 200)
  } finally {
    await server.close()
  }
})

test('webhooks are not taken until the verifier token is set', async () => {
  const unset = await openHttp({ webhookVerifierToken: null })
  try {
    const { body } = await post('[]', signed('[]'), unset).expect(503)
    expect(body).toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('QBO_WEBHOOK_VERIFIER_TOKEN'),
    })
  } finally {
    await unset.close()
  }
})
