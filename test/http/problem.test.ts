import { describe, expect, test } from '@jest/globals'
import { ERROR_CODES, LedgerError } from '../../src/domain/ledger-error.ts'
import { problemOf } from '../../src/http/problem/problem.ts'

describe('a failure', () => {
  test('of each code has its status', () => {
    const statuses = Object.fromEntries(
      ERROR_CODES.map((code) => [code, problemOf(new LedgerError(code, 'why')).status]),
    )
    expect(statuses).toEqual({
      throttled: 503,
      unavailable: 503,
      token_expired: 503,
      needs_reauth: 409,
      never_synced: 409,
      app_misconfigured: 503,
      token_unreadable: 409,
      wrong_environment: 409,
      company_unavailable: 409,
      window_exceeded: 502,
      invalid_payload: 502,
      poisoned_page: 502,
      mass_disappearance: 502,
      budget_spent: 503,
      quota_exhausted: 503,
      lease_lost: 503,
      invalid_request: 400,
      not_found: 404,
      unauthorized: 401,
      forbidden: 403,
      too_many_attempts: 429,
      company_inactive: 409,
      internal: 500,
    })
  })

  test('that passes by itself says when to come back', () => {
    const retryAfter = (code: 'throttled' | 'unavailable', retryAfterSeconds?: number) =>
      problemOf(
        new LedgerError(
          code,
          'why',
          retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } },
        ),
      ).headers['Retry-After']
    expect(retryAfter('throttled')).toBe('60')
    expect(retryAfter('throttled', 7.5)).toBe('8')
    expect(retryAfter('unavailable')).toBe('15')
  })

  test('that nobody foresaw shows nothing of the inside', () => {
    for (const thrown of [
      new Error('password=hunter2'),
      new LedgerError('internal', 'SELECT secret FROM connections'),
      Object.assign(new Error('Request failed'), { status: 404, config: { headers: {} } }),
      'a thrown text',
      undefined,
    ]) {
      expect(problemOf(thrown)).toEqual({
        status: 500,
        code: 'internal',
        detail: 'something went wrong inside the service',
        headers: {},
        members: {},
      })
    }
  })

  test('of parsing does not repeat what was parsed', () => {
    const thrown = Object.assign(new SyntaxError('Unexpected token in "my-refresh-token"'), {
      status: 400,
      expose: true,
      type: 'entity.parse.failed',
      body: 'my-refresh-token',
    })
    expect(JSON.stringify(problemOf(thrown))).not.toContain('my-refresh-token')
  })
})
