import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fateOf, type FateContext } from '../../src/domain/fate.ts'
import { ERROR_CODES, LedgerError, type ErrorCode } from '../../src/domain/ledger-error.ts'

const KINDS: Record<ErrorCode, ReturnType<typeof fateOf>['kind']> = {
  throttled: 'later',
  unavailable: 'later',
  token_expired: 'later',
  needs_reauth: 'reauth',
  app_misconfigured: 'halt',
  token_unreadable: 'later',
  wrong_environment: 'later',
  company_unavailable: 'lapsed',
  window_exceeded: 'later',
  invalid_payload: 'retry',
  poisoned_page: 'later',
  mass_disappearance: 'later',
  budget_spent: 'gone',
  quota_exhausted: 'gone',
  lease_lost: 'gone',
  invalid_request: 'retry',
  not_found: 'retry',
  never_synced: 'retry',
  unauthorized: 'retry',
  forbidden: 'retry',
  too_many_attempts: 'retry',
  company_inactive: 'gone',
  internal: 'retry',
}

describe('the fate of a failure', () => {
  test.each(ERROR_CODES)('of %s is the one that was decided', (code) => {
    expect(fate(code, { failuresBefore: 0, intervalSeconds: 900, jitter: 0.5 }).kind).toBe(KINDS[code])
  })

  test('keeps a wait that we chose below one interval, and above a quarter of a minute', () => {
    fc.assert(
      fc.property(contexts(), (context) => {
        const delay = delayOf('unavailable', context)
        expect(delay).toBeLessThan(context.intervalSeconds)
        expect(delay).toBeGreaterThanOrEqual(Math.min(15, context.intervalSeconds * 0.45))
      }),
    )
  })

  test('never shortens a wait for more failures in a row', () => {
    fc.assert(
      fc.property(contexts(), (context) => {
        const more = { ...context, failuresBefore: context.failuresBefore + 1 }
        for (const code of ['unavailable', 'company_unavailable'] as const) {
          expect(delayOf(code, more)).toBeGreaterThanOrEqual(delayOf(code, context))
        }
      }),
    )
  })

  test('waits at least as long as QuickBooks asked, and half a minute more at most', () => {
    fc.assert(
      fc.property(contexts(), fc.integer({ min: 0, max: 86_400 }), (context, retryAfterSeconds) => {
        const error = new LedgerError('throttled', 'slow down', { details: { retryAfterSeconds } })
        const { delaySeconds } = fateOf(error, context) as { delaySeconds: number }
        expect(delaySeconds).toBeGreaterThanOrEqual(retryAfterSeconds)
        expect(delaySeconds).toBeLessThan(retryAfterSeconds + 30)
      }),
    )
  })

  test('waits a minute where a throttled answer says nothing of it', () => {
    expect(delayOf('throttled', { failuresBefore: 9, intervalSeconds: 900, jitter: 0 })).toBe(60)
  })

  test('looks at a lapsed company at least once a day', () => {
    fc.assert(
      fc.property(contexts(), (context) => {
        expect(delayOf('company_unavailable', context)).toBeLessThanOrEqual(86_400)
      }),
    )
    expect(
      delayOf('company_unavailable', { failuresBefore: 30, intervalSeconds: 900, jitter: 0.999 }),
    ).toBeGreaterThan(86_000)
  })
})

function contexts(): fc.Arbitrary<FateContext> {
  return fc.record({
    failuresBefore: fc.integer({ min: 0, max: 5_000 }),
    intervalSeconds: fc.integer({ min: 60, max: 86_400 }),
    jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
  })
}

function fate(code: ErrorCode, context: FateContext) {
  return fateOf(new LedgerError(code, 'something failed'), context)
}

function delayOf(code: ErrorCode, context: FateContext): number {
  const decided = fate(code, context)
  return 'delaySeconds' in decided ? decided.delaySeconds : 0
}
