import { describe, expect, test } from '@jest/globals'

import type { CallOperation } from '../../src/domain/quickbooks-call.ts'
import { readAnswer } from '../../src/quickbooks/answer.ts'
import { faultOf } from '../../src/quickbooks/fault.ts'

const NOW_MS = Date.parse('2026-11-22T15:15:00Z')

interface Circumstances {
  readonly headers?: Record<string, string>
  readonly operation?: CallOperation
  readonly secrets?: readonly string[]
}

function fault(status: number, body: string, circumstances: Circumstances = {}) {
  const { headers = {}, operation = 'query', secrets = [] } = circumstances
  return faultOf(readAnswer({ status, headers, bytes: new TextEncoder().encode(body) }), {
    operation,
    secrets,
    nowMs: NOW_MS,
  })
}

function service(code: string, { type = 'ValidationFault', message = 'M', detail = 'D' } = {}): string {
  return JSON.stringify({ Fault: { Error: [{ Message: message, Detail: detail, code }], type }, time: 'x' })
}

function gateway(code: string | null, message = ''): string {
  return JSON.stringify({
    fault: { error: [{ message, detail: '', code }], type: 'AUTHENTICATION' },
    time: 1,
  })
}

describe('an answer without a fault', () => {
  test.each([
    ['a page', '{"QueryResponse":{}}'],
    [
      'a record that has a field called Fault',
      '{"QueryResponse":{"Bill":[{"Id":"1","Fault":{"Error":[]}}]}}',
    ],
    ['a fault that is null', '{"fault":null,"QueryResponse":{}}'],
  ])('is none: %s', (_what, body) => {
    expect(fault(200, body)).toBeNull()
  })
})

describe('a fault is found', () => {
  test.each([
    ['at the top, capitalised', 500, service('10000')],
    ['at the top, lower case', 500, gateway('10000')],
    ['with leading zeros', 500, gateway('0010000')],
    ['by its message alone', 500, gateway(null, 'message=X; errorCode=010000; statusCode=500')],
    ['with a number for a code', 500, '{"Fault":{"Error":[{"code":10000}]}}'],
    ['with one error that is no list', 500, '{"Fault":{"Error":{"code":"10000"}}}'],
    ['in a QueryResponse', 200, '{"QueryResponse":{"Fault":{"Error":[{"code":"10000"}]}},"time":"x"}'],
    ['in a lower-case queryResponse', 200, '{"queryResponse":{"fault":{"error":[{"code":"10000"}]}}}'],
    [
      'in a group of change data capture',
      200,
      '{"CDCResponse":[{"QueryResponse":[{},{"Fault":{"Error":[{"code":"10000"}]}}]}]}',
    ],
    [
      'beside a group of change data capture',
      200,
      '{"CDCResponse":[{"Fault":{"Error":[{"code":"10000"}]}}]}',
    ],
    [
      'in XML',
      500,
      '<IntuitResponse><Fault type="SystemFault"><Error code="10000"><Message>M</Message></Error></Fault></IntuitResponse>',
    ],
    ['in XML with a namespace', 500, "<ns:Fault><ns:Error element='' code='10000'/></ns:Fault>"],
  ])('%s', (_where, status, body) => {
    expect(fault(status, body)).toMatchObject({
      code: 'unavailable',
      details: { faultCode: '10000', httpStatus: status },
    })
  })

  test('and one without any error in it is a fault all the same', () => {
    expect(fault(200, '{"Fault":{"Error":[]},"QueryResponse":{}}')).toMatchObject({
      code: 'unavailable',
      details: { faultCode: null },
    })
  })
})

describe('what a fault becomes', () => {
  test.each([
    [400, service('610'), 'not_found'],
    [400, service('2010'), 'internal'],
    [400, service('4000'), 'internal'],
    [400, service('4001'), 'internal'],
    [400, service('5010'), 'unavailable'],
    [418, service('99999'), 'unavailable'],
    [401, '', 'token_expired'],
    [401, '<html>', 'token_expired'],
    [401, service('9999'), 'unavailable'],
    [403, '', 'unavailable'],
    [403, gateway('100'), 'needs_reauth'],
    [500, service('100', { type: 'SystemFault' }), 'unavailable'],
    [200, gateway('120'), 'needs_reauth'],
    [429, '<html>', 'throttled'],
    [429, service('10000'), 'throttled'],
    [302, '', 'unavailable'],
    [200, '[]', 'unavailable'],
    [200, '"text"', 'unavailable'],
    [200, 'null', 'unavailable'],
    [204, '', 'unavailable'],
  ])('%i %s is %s', (status, body, code) => {
    expect(fault(status, body)?.code).toBe(code)
  })

  test('only a call of change data capture can ask for too much of the past', () => {
    const body = service('2010', { detail: 'changedSince must lie within the last 30 days' })
    expect(fault(400, body, { operation: 'cdc' })?.code).toBe('window_exceeded')
    expect(fault(400, body, { operation: 'query' })?.code).toBe('internal')
    expect(fault(400, service('2010'), { operation: 'cdc' })?.code).toBe('internal')
  })

  test('only a refusal of access is ambiguous', () => {
    expect(fault(403, gateway('3100'))?.details.ambiguous).toBe(true)
    expect(fault(401, gateway('120'))?.details.ambiguous).toBeUndefined()
    expect(fault(500, service('100', { type: 'SystemFault' }))?.details.ambiguous).toBeUndefined()
  })
})

describe('Retry-After', () => {
  test.each([
    ['seconds', '30', {}, 30],
    [
      'a date, counted from the Date of the answer',
      'Sun, 22 Nov 2026 10:01:00 GMT',
      { date: 'Sun, 22 Nov 2026 10:00:00 GMT' },
      60,
    ],
    ['a date, counted from our clock', 'Sun, 22 Nov 2026 15:16:30 GMT', {}, 90],
    ['a date that has passed', 'Sun, 22 Nov 2026 15:00:00 GMT', {}, 0],
    ['longer than a day', '999999999', {}, 86_400],
    ['nothing readable', 'soon', {}, undefined],
    ['nothing', '', {}, undefined],
  ])('%s', (_what, header, headers, seconds) => {
    const error = fault(429, '', { headers: { 'retry-after': header, ...headers } })
    expect(error?.details.retryAfterSeconds).toBe(seconds)
  })
})

describe('the message', () => {
  test("says the status, the code and Intuit's words", () => {
    const body = service('4000', { message: 'Error parsing query', detail: 'QueryParserError: line 1' })
    expect(fault(400, body)?.message).toBe(
      'QuickBooks answered 400 with fault 4000: Error parsing query: QueryParserError: line 1',
    )
  })

  test.each([
    ['a page of markup', '<html><body>Authorization: Bearer abc</body></html>'],
    ['an empty body', '  '],
    ['a body that is no JSON', '{"QueryResponse":{"Bill":[{"Id"'],
    ['JSON that is not what was asked for', '{"secret":"abc"}'],
  ])('holds no body, only its kind: %s', (kind, body) => {
    expect(fault(503, body)?.message).toBe(`QuickBooks answered 503 with ${kind}`)
  })

  test('holds neither the secrets it was told of nor what looks like a token', () => {
    const body = service('3200', {
      message: 'Bearer short-one refused',
      detail: 'Token expired: eyJlbmMiOiJBMTI4Q0JDLUhTMjU2Iiwi.x_y-z== and s3cret (s3cret)',
    })
    expect(fault(401, body, { secrets: ['s3cret', ''] })?.message).toBe(
      'QuickBooks answered 401 with fault 3200: … refused: Token expired: … and … (…)',
    )
  })

  test('is short, however long the words are', () => {
    const body = service('4000', { detail: 'word '.repeat(100_000) })
    expect(fault(400, body)?.message.length).toBeLessThan(300)
  })
})
