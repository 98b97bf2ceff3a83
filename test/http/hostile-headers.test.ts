import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Express } from 'express'
import { ADMIN_TOKEN, openHttp, type OpenHttp } from './open-http.ts'
import { bodyOf, listenRaw, statusOf, type RawServer } from './raw.ts'
import { insertCompany } from './rows.ts'

let http: OpenHttp
let raw: RawServer

beforeAll(async () => {
  http = await openHttp()
  await insertCompany(http.knex, '1')
  raw = await listenRaw(http.app, http.options.log)
})

afterAll(async () => {
  await raw.close()
  await http.close()
})

/** Every method of every route; what is asked to be changed does not exist, so that nothing does. */
function requestsOf(app: Express): { method: string; path: string }[] {
  const router = app.router as unknown as { listRoutes(): { path: string; methods: string[] }[] }
  return router.listRoutes().flatMap(({ path, methods }) =>
    methods
      .filter((method) => method !== '*' && method !== 'HEAD')
      .map((method) => ({
        method,
        path: path.replace(':entity', 'bill').replaceAll(/:\w+/g, method === 'GET' ? '1' : '404'),
      })),
  )
}

interface Hostile {
  readonly head: string
  readonly body?: string | Buffer
}

const AUTHORIZATION = `Authorization: Bearer ${ADMIN_TOKEN}`

/** One request byte by byte; `head` stands in the place of everything but the first line. */
async function send(method: string, path: string, { head, body = '' }: Hostile): Promise<string> {
  const text = await raw.exchange(
    Buffer.concat([
      Buffer.from(`${method} ${path} HTTP/1.1\r\n${head}Connection: close\r\n\r\n`, 'latin1'),
      Buffer.from(body),
    ]),
  )
  const status = statusOf(text)
  if (status !== null && status >= 400 && method !== 'HEAD') {
    expect(text.toLowerCase()).toContain('content-type: application/problem+json')
    expect(bodyOf(text)).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) })
  }
  return text
}

async function statusFor(method: string, path: string, hostile: Hostile): Promise<number | null> {
  return statusOf(await send(method, path, hostile))
}

// Of no route's making: they are refused before it is known who asks for what.
const NO_HTTP: Readonly<Record<string, readonly [Hostile, number]>> = {
  'no Host': [{ head: '' }, 400],
  'two Hosts': [{ head: 'Host: a\r\nHost: b\r\n' }, 400],
  'a negative length': [{ head: 'Host: x\r\nContent-Length: -1\r\n' }, 400],
  'a length that is no number': [{ head: 'Host: x\r\nContent-Length: 1e3\r\n' }, 400],
  'an empty length': [{ head: 'Host: x\r\nContent-Length: \r\n' }, 400],
  'a length beyond every number': [{ head: `Host: x\r\nContent-Length: ${'9'.repeat(30)}\r\n` }, 400],
  'two lengths': [{ head: 'Host: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n' }, 400],
  'a length and chunks': [
    { head: 'Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n', body: '0\r\n\r\n' },
    400,
  ],
  'chunks that are not the last encoding': [{ head: 'Host: x\r\nTransfer-Encoding: chunked, gzip\r\n' }, 400],
  'an expectation that nobody knows': [{ head: 'Host: x\r\nExpect: miracles\r\n' }, 417],
  'a header of 20 kB': [{ head: `Host: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n` }, 431],
  'a token of 20 kB': [{ head: `Host: x\r\nAuthorization: Bearer ${'x'.repeat(20_000)}\r\n` }, 431],
  '4,000 headers': [{ head: `Host: x\r\n${'a:b\r\n'.repeat(4_000)}` }, 431],
  'a null byte in a value': [{ head: 'Host: x\r\nX-Request-Id: a\0b\r\n' }, 400],
  'a control character in a value': [{ head: 'Host: x\r\nAccept: a\x01b\r\n' }, 400],
  'a space in a name': [{ head: 'Host: x\r\nX Y: 1\r\n' }, 400],
  'a space before the colon': [{ head: 'Host: x\r\nAuthorization : Bearer x\r\n' }, 400],
  'a name with unicode': [{ head: 'Host: x\r\nN\xe4me: 1\r\n' }, 400],
  'a header without a colon': [{ head: 'Host: x\r\nnonsense\r\n' }, 400],
  'a folded header': [{ head: 'Host: x\r\nX-A: 1\r\n\tGET / HTTP/1.1\r\n folded\x00\r\n' }, 400],
  'a bare line feed in a header': [{ head: 'Host: x\r\nX-A: 1\rX-B: 2\r\n' }, 400],
}

// Whoever asks may say so: nothing here is read, or it is read leniently.
const HARMLESS: Readonly<Record<string, string>> = {
  'an Accept that is none': 'Accept: nonsense;;q=q\r\n',
  'an Accept of 8 kB': `Accept: ${'text/html,'.repeat(800)}\r\n`,
  'encodings and languages that are none': 'Accept-Encoding: \xff\r\nAccept-Language: *;q=-1\r\n',
  'a range': 'Range: bytes=0-0,-1,9999999999999-\r\n',
  'conditions that are none': 'If-None-Match: W/\r\nIf-Modified-Since: yesterday\r\nIf-Match: \x80\r\n',
  'a cookie': `Cookie: ${'__proto__=1; '.repeat(100)}\r\n`,
  'a strange request id': "X-Request-Id: '; DROP TABLE companies; --\r\n",
  'a request id of 8 kB': `X-Request-Id: ${'a'.repeat(8_000)}\r\n`,
  'two request ids': 'X-Request-Id: a\r\nX-Request-Id: b\r\n',
  'what proxies add': 'X-Forwarded-For: \'"><\r\nX-Forwarded-Host: ..\r\nX-Forwarded-Proto: ftp\r\nVia: \r\n',
  'another method': 'X-HTTP-Method-Override: DELETE\r\n',
  'another address': 'X-Original-URL: /admin/companies\r\nX-Rewrite-URL: /metrics\r\n',
  'an upgrade': 'Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n',
  'an upgrade to HTTP/2': 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
  'a patient body': 'Expect: 100-continue\r\nContent-Length: 0\r\n',
  'a content type without a body': 'Content-Type: \xff/;;;charset=\r\n',
  'an encoding without a body': 'Content-Encoding: gzip, br, nonsense\r\n',
  'trailers to come': 'TE: trailers\r\nTrailer: Authorization\r\n',
  '200 headers': 'a: b\r\n'.repeat(200),
  'a header that is called like an object’s own': '__proto__: x\r\nconstructor: y\r\nhasOwnProperty: z\r\n',
}

const JSON_TYPE = 'Content-Type: application/json\r\n'

function sized(body: string | Buffer, more = JSON_TYPE): Hostile {
  return { head: `${more}Content-Length: ${Buffer.byteLength(body)}\r\n`, body }
}

function chunked(body: string, more = JSON_TYPE): Hostile {
  return { head: `${more}Transfer-Encoding: chunked\r\n`, body }
}

// Of a request whose token is right; without it, nobody looks at them.
const BODIES: Readonly<Record<string, readonly [Hostile, number]>> = {
  'a body without a type': [sized('{}', ''), 415],
  'a type that is none': [sized('{}', 'Content-Type: ;;;\r\n'), 415],
  'a type with a null in words': [sized('{}', 'Content-Type: application/json%00\r\n'), 415],
  'a type of several': [sized('{}', 'Content-Type: multipart/form-data; boundary=x\r\n'), 415],
  'an unknown character set': [sized('{}', 'Content-Type: application/json; charset=utf-99\r\n'), 415],
  'a character set of another time': [sized('{}', 'Content-Type: application/json; charset=ebcdic\r\n'), 415],
  'bytes that are no text': [sized(Buffer.from([0xff, 0xfe, 0x00, 0x7b])), 400],
  'text of another character set': [
    sized(Buffer.from('{"a":1}', 'utf16le'), 'Content-Type: application/json; charset=utf-8\r\n'),
    400,
  ],
  'an unknown encoding': [sized('{}', `${JSON_TYPE}Content-Encoding: nonsense\r\n`), 415],
  'two encodings': [sized(gzipSync('{}'), `${JSON_TYPE}Content-Encoding: gzip, gzip\r\n`), 415],
  'an encoding that it does not have': [sized('{}', `${JSON_TYPE}Content-Encoding: gzip\r\n`), 400],
  'half of what is encoded': [
    sized(gzipSync('{"a":1}').subarray(0, 12), `${JSON_TYPE}Content-Encoding: gzip\r\n`),
    400,
  ],
  'a megabyte in a kilobyte': [
    sized(gzipSync(`{"a":"${'x'.repeat(1_000_000)}"}`), `${JSON_TYPE}Content-Encoding: gzip\r\n`),
    413,
  ],
  'a gigabyte that never comes': [{ head: `${JSON_TYPE}Content-Length: 1000000000\r\n` }, 413],
  'the largest length that is a number': [{ head: `${JSON_TYPE}Content-Length: 9007199254740991\r\n` }, 413],
  'one byte too much': [sized(`{"a":"${'x'.repeat(100 * 1024)}"}`), 413],
  'too much in chunks': [chunked(`${'19000\r\n'}${' '.repeat(0x19000)}\r\n2\r\n{}\r\n0\r\n\r\n`), 413],
  'an unknown transfer encoding': [{ head: `${JSON_TYPE}Transfer-Encoding: nonsense\r\n`, body: '{}' }, 400],
  'a chunk whose size is none': [chunked('zz\r\n{}\r\n'), 400],
  'a chunk beyond every number': [chunked(`${'f'.repeat(20)}\r\n{}`), 400],
  'a chunk that is longer than it says': [chunked('1\r\n{}\r\n0\r\n\r\n'), 400],
  'chunks with endless extensions': [chunked(`2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), 413],
  'arrays within arrays': [sized(`{"mode":${'['.repeat(50_000)}`), 400],
  'objects within objects': [sized('{"a":'.repeat(15_000) + '1' + '}'.repeat(15_000)), 400],
  'a prototype': [sized('{"__proto__":{"mode":"full"}}'), 400],
  'a constructor': [sized('{"constructor":{"prototype":{"mode":"full"}}}'), 400],
  'ten thousand fields': [
    sized(JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`f${n}`, 0])))),
    400,
  ],
  'a number beyond every number': [sized('{"mode":1e999999}'), 400],
  'a lone surrogate': [sized('{"mode":"\\ud800"}'), 400],
  'a null character': [sized('{"mode":"full\\u0000"}'), 400],
  SQL: [sized(`{"mode":"full'; DROP TABLE companies; --"}`), 400],
  'a list': [sized('[{"mode":"full"}]'), 400],
  'an empty body that is one': [sized(' '), 400],
}

describe('every route', () => {
  test('refuses what is no HTTP in words, whoever asks', async () => {
    for (const { method, path } of requestsOf(http.app)) {
      for (const [name, [hostile, status]] of Object.entries(NO_HTTP)) {
        const asked = { ...hostile, head: `${AUTHORIZATION}\r\n${hostile.head}` }
        expect([name, method, path, await statusFor(method, path, asked)]).toEqual([
          name,
          method,
          path,
          status,
        ])
        expect([name, method, path, await statusFor(method, path, hostile)]).toEqual([
          name,
          method,
          path,
          status,
        ])
      }
    }
  })

  test('is not moved by headers that mean nothing to it, with the token and without', async () => {
    for (const { method, path } of requestsOf(http.app)) {
      for (const token of ['', 'Authorization: Bearer wrong\r\n', `${AUTHORIZATION}\r\n`]) {
        const head = `Host: x\r\n${token}`
        const usual = await statusFor(method, path, { head })
        for (const [name, more] of Object.entries(HARMLESS)) {
          const status = await statusFor(method, path, { head: head + more })
          expect([name, method, path, token, status]).toEqual([name, method, path, token, usual])
        }
      }
    }
  }, 120_000)

  test('that takes a body refuses one that is none, and without the token does not look at it', async () => {
    // Intuit's webhooks show a signature and no token, and no body of theirs is refused for its form.
    const writers = requestsOf(http.app).filter(
      ({ method, path }) => method !== 'GET' && path !== '/webhooks/quickbooks',
    )
    expect(writers).toHaveLength(10)
    for (const { method, path } of writers) {
      for (const [name, [{ head, body = '' }, status]] of Object.entries(BODIES)) {
        const asked = { head: `Host: x\r\n${AUTHORIZATION}\r\n${head}`, body }
        expect([name, path, await statusFor(method, path, asked)]).toEqual([name, path, status])
        const [first] = (await send(method, path, { head: `Host: x\r\n${head}`, body })).split('\r\n', 1)
        expect([name, path, first]).toEqual([name, path, 'HTTP/1.1 401 Unauthorized'])
      }
    }
  })

  test('that takes none refuses every field, and what is no JSON object', async () => {
    const readers = requestsOf(http.app).filter(
      ({ method, path }) => method === 'GET' && /admin|api/.test(path),
    )
    for (const { method, path } of readers) {
      for (const [name, [{ head, body = '' }]] of Object.entries(BODIES)) {
        const asked = { head: `Host: x\r\n${AUTHORIZATION}\r\n${head}`, body }
        const status = await statusFor(method, path, asked)
        // What is well-formed is left alone, as RFC 9110 would have it; 409 is for lists that were never read.
        expect([name, path, [200, 400, 404, 409, 413, 415].includes(status ?? 0)]).toEqual([name, path, true])
      }
    }
  })

  test('never fails, nor writes a word at error level, for any of this', () => {
    expect(http.logLines.filter(({ level, status }) => level === 'error' || Number(status) >= 500)).toEqual(
      [],
    )
  })
})

describe('the token', () => {
  const given = (head: string) => statusFor('GET', '/admin/companies', { head: `Host: x\r\n${head}` })

  test('counts where it stands first, and nowhere but in its header', async () => {
    expect(await given(`${AUTHORIZATION}\r\nAuthorization: Bearer wrong\r\n`)).toBe(200)
    expect(await given(`Authorization: Bearer wrong\r\n${AUTHORIZATION}\r\n`)).toBe(401)
    expect(await given(`Proxy-${AUTHORIZATION}\r\n`)).toBe(401)
    expect(await given(`Cookie: ${AUTHORIZATION}\r\n`)).toBe(401)
    expect(await given(`X-${AUTHORIZATION}\r\n`)).toBe(401)
  })

  test('does not come in a trailer', async () => {
    const asked = {
      head: 'Host: x\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n',
      body: `0\r\n${AUTHORIZATION}\r\n\r\n`,
    }
    expect(await statusFor('GET', '/admin/companies', asked)).toBe(401)
  })

  test('is asked for by every spelling of an address that leads to a route', async () => {
    for (const path of [
      '/admin/companies/',
      '/ADMIN/Companies',
      '/admin/./companies',
      '/healthz/../admin/companies',
      '/%61dmin/companies',
      'http://elsewhere/admin/companies',
      '//admin/companies',
      '/admin//companies',
      '/admin%2Fcompanies',
      '/admin/companies?x=/healthz',
      '/admin/companies#/healthz',
      '/admin/companies;/healthz',
      '/admin\\companies',
      '/admin/companies%00',
      '/admin/companies%0d%0aX:%20y',
    ]) {
      const status = await statusFor('GET', path, { head: 'Host: x\r\n' })
      expect([path, [400, 401, 404].includes(status ?? 0)]).toEqual([path, true])
    }
  })
})

describe('the first line of a request', () => {
  test('that is none is refused in words', async () => {
    for (const [line, status] of [
      ['\0\0\0\0', 400],
      ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
      ['PRI * HTTP/2.0', 400],
      ['SSH-2.0-OpenSSH_9.9', 400],
      ['get /healthz HTTP/1.1', 400],
      ['BREW /healthz HTTP/1.1', 400],
      ['GET healthz HTTP/1.1', 400],
      ['GET  HTTP/1.1', 400],
      ['GET /healthz HTTP/9.9', 400],
      ['GET /a b HTTP/1.1', 400],
      ['GET /a\0b HTTP/1.1', 400],
      [`GET /${'x'.repeat(20_000)} HTTP/1.1`, 431],
      [`GET /admin/companies?limit=${'9'.repeat(20_000)} HTTP/1.1`, 431],
      ['CONNECT 10.0.0.1:5432 HTTP/1.1', 405],
    ] as const) {
      const text = await raw.exchange(Buffer.from(`${line}\r\nHost: x\r\n\r\n`, 'latin1'))
      expect([line.slice(0, 30), statusOf(text)]).toEqual([line.slice(0, 30), status])
      expect(bodyOf(text)).toMatchObject({ status, code: 'invalid_request' })
    }
  })

  test('of an older HTTP needs no Host', async () => {
    expect(await raw.exchange('GET /healthz HTTP/1.0\r\n\r\n')).toContain('{"status":"ok"}')
  })

  test('followed by nonsense costs only its own connection', async () => {
    const answers = await raw.exchange(
      `GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n${'\0'.repeat(10)}\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`,
    )
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect(await raw.exchange('GET /healthz HTTP/1.0\r\n\r\n')).toContain('{"status":"ok"}')
  })
})
