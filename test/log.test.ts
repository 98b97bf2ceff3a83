import { Writable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { LedgerError } from '../src/domain/ledger-error.ts'
import { createLog, type LogOptions } from '../src/log.ts'

const SECRET = 'hunter2-hunter2-hunter2'
const FORMATS = ['json', 'pretty'] as const

/** What a logger wrote: one text a write. */
function open(options: Partial<LogOptions> = {}) {
  const written: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      done()
    },
  })
  return {
    written,
    log: createLog({ level: 'debug', format: 'json', secrets: () => [], stream, ...options }),
  }
}

/** Logs once in both formats. @returns both lines. */
function logged(message: string, fields: Record<string, unknown> = {}, secrets: string[] = []): string {
  return FORMATS.map((format) => {
    const { log, written } = open({ format, secrets: () => secrets })
    log.info(message, fields)
    expect(written).toHaveLength(1)
    return written[0]!
  }).join('')
}

describe.each(FORMATS)('an entry in the format %s', (format) => {
  test('is one line, whatever it says', () => {
    const { log, written } = open({ format })
    log.warn('first\nsecond\r\nthird\u001b[31m red', { note: 'a\nb' })
    log.error('failed', { error: new Error('one\ntwo') })
    log.info('')
    expect(written).toHaveLength(3)
    for (const line of written) expect(line).toMatch(/^[^\n\r]+\n$/)
    expect(written[0]).not.toContain('\u001b')
  })

  test('says when, how grave and what', () => {
    const { log, written } = open({ format })
    log.warn('sync run ended', { runId: 17, at: new Date('2026-11-02T10:00:00Z') })
    expect(written[0]).toContain('warn')
    expect(written[0]).toContain('sync run ended')
    expect(written[0]).toContain('17')
    expect(written[0]).toContain('2026-11-02T10:00:00.000Z')
    expect(written[0]).toMatch(/\d\d:\d\d:\d\d/)
  })

  test('below the level is not written', () => {
    const { log, written } = open({ format, level: 'warn' })
    log.info('quiet')
    log.debug('quieter')
    expect(written).toEqual([])
  })
})

test('JSON entries can be read back', () => {
  const { log, written } = open()
  log.info('sync run ended', { realmId: '1', entities: { bill: { inserted: 2 } }, total: 12n, none: null })
  expect(JSON.parse(written[0]!)).toMatchObject({
    level: 'info',
    message: 'sync run ended',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    realmId: '1',
    entities: { bill: { inserted: 2 } },
    total: '12',
    none: null,
  })
})

describe('a secret is not written', () => {
  test.each([
    'accessToken',
    'refresh_token',
    'adminToken',
    'clientSecret',
    'client_secret',
    'Authorization',
    'password',
    'refreshTokenCiphertext',
    'cookie',
    'set-cookie',
    'webhookVerifier',
    'encryptionKeys',
  ])('under the name %s, at any depth', (name) => {
    expect(logged('fields', { [name]: SECRET })).not.toContain(SECRET)
    expect(logged('fields', { [name]: [SECRET] })).not.toContain(SECRET)
    expect(logged('fields', { [name]: { value: SECRET } })).not.toContain(SECRET)
    expect(logged('fields', { list: [{ deeper: { [name]: SECRET } }] })).not.toContain(SECRET)
  })

  test.each([
    `sent Authorization: Bearer ${SECRET} and got 401`,
    `authorization: basic ${Buffer.from(SECRET).toString('base64')}`,
    `cannot connect to postgres://ledger:${SECRET}@db.example:5432/ledger`,
    `cannot connect to postgres://:${SECRET}@db.example/ledger`,
    `body {"refresh_token":"${SECRET}","expires_in":3600}`,
    `grant_type=refresh_token&refresh_token=${SECRET}&x=1`,
    `client_secret: ${SECRET}`,
  ])('in a text that shows what it is: %s', (text) => {
    const spoken = [
      logged(text),
      logged('failed', { reason: text }),
      logged('failed', { error: new Error(text) }),
    ]
    for (const line of spoken) {
      expect(line).not.toContain(SECRET)
      expect(line).not.toContain(Buffer.from(SECRET).toString('base64'))
      expect(line).toContain('[redacted]')
    }
  })

  test.each([SECRET, 'with "quotes" and \\backslashes\\'])(
    'that the process knows, wherever it stands: %s',
    (secret) => {
      const error = new LedgerError('unavailable', `Intuit said ${secret}`, {
        cause: new Error(`because ${secret}`),
        details: { intuitTid: secret },
      })
      const line = logged(
        `saying ${secret}`,
        { note: secret, [`key of ${secret}`]: 1, error, list: [secret] },
        [secret],
      )
      expect(line).not.toContain(secret)
      expect(line).not.toContain(JSON.stringify(secret).slice(1, -1))
      expect(line).toContain('[redacted]')
    },
  )

  test('that becomes known later', () => {
    const secrets: string[] = []
    const { log, written } = open({ secrets: () => secrets })
    secrets.push(SECRET)
    log.info(SECRET)
    expect(written[0]).not.toContain(SECRET)
  })

  test('and no empty secret blanks everything', () => {
    expect(logged('plain words', {}, [''])).toContain('plain words')
  })

  test('as the bytes of a key', () => {
    const key = Buffer.from(SECRET)
    const line = logged('keys', { keys: [{ id: 'first', key }] })
    expect(line).toContain(`[${SECRET.length} bytes]`)
    expect(line).not.toContain(String(key[0]) + ',' + String(key[1]))
  })

  test('of a request that a library hung on its error', () => {
    const config = { url: 'https://example', headers: { Authorization: `Bearer ${SECRET}` }, data: SECRET }
    const hung = Object.assign(new Error('Request failed with status code 401'), {
      code: 'ERR_BAD_REQUEST',
      config,
      request: { _header: SECRET },
      response: { config, data: SECRET },
    })
    const line = logged('call failed', {
      error: new LedgerError('unavailable', 'no answer', { cause: hung }),
    })
    expect(line).not.toContain(SECRET)
    expect(line).toContain('Request failed with status code 401')
    expect(line).toContain('ERR_BAD_REQUEST')
  })
})

describe('an error is written', () => {
  test('with its name, code, details, place and causes', () => {
    const { log, written } = open()
    const cause = new TypeError('fetch failed', { cause: new Error('ECONNRESET') })
    log.error('sync run failed', {
      error: new LedgerError('throttled', 'too many calls', {
        cause,
        details: { intuitTid: '1-abc', httpStatus: 429 },
      }),
    })
    expect(JSON.parse(written[0]!)).toMatchObject({
      message: 'sync run failed',
      error: {
        name: 'LedgerError',
        code: 'throttled',
        message: 'too many calls',
        details: { intuitTid: '1-abc', httpStatus: 429 },
        stack: expect.arrayContaining([expect.stringContaining('log.test.ts')]),
        cause: { name: 'TypeError', message: 'fetch failed', cause: { message: 'ECONNRESET' } },
      },
    })
  })

  test('though its causes go round in a circle', () => {
    const first = new Error('first')
    const second = new Error('second', { cause: first })
    first.cause = second
    const line = logged('failed', { error: first })
    expect(line).toContain('first')
    expect(line).toContain('[deeper]')
  })
})

test('an object that holds itself is written as far as it goes', () => {
  const round: Record<string, unknown> = { name: 'round' }
  round.self = round
  expect(logged('round', { round })).toContain('[deeper]')
})
