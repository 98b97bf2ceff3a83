import type { Request } from 'express'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { Database } from '../../db/database.ts'
import { LedgerError } from '../../domain/ledger-error.ts'

export interface Attempts {
  /** @throws LedgerError `too_many_attempts` with the seconds to wait. */
  count(request: Request): Promise<void>
  /** Forgets the failures of somebody who knew the token. */
  forget(request: Request): Promise<void>
}

// Enough for a person who mistypes; a token has at least 16 characters, so even thousands of tries a day find nothing.
const TRIES = 10
const PER_SECONDS = 60
// Addresses can be forged where no router stands in front of us: all together may try this often.
const TRIES_OF_ALL = 100

/** How often somebody may try to sign in, counted over all processes. */
export function createAttempts({ knex }: Database): Attempts {
  const limiter = (points: number, keyPrefix: string) =>
    new RateLimiterPostgres({
      storeClient: knex,
      storeType: 'knex',
      tableName: 'login_attempts',
      tableCreated: true,
      keyPrefix,
      points,
      duration: PER_SECONDS,
      // A timer for rows of a few bytes is not worth having: they are overwritten.
      clearExpiredByTimeout: false,
    })
  const one = limiter(TRIES, 'address')
  const all = limiter(TRIES_OF_ALL, 'all')
  return {
    async count(request) {
      try {
        await one.consume(clientOf(request))
        await all.consume('everybody')
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        const retryAfterSeconds = Math.ceil(refused.msBeforeNext / 1000)
        throw new LedgerError(
          'too_many_attempts',
          `too many attempts to sign in: try again in ${retryAfterSeconds} seconds`,
          { details: { retryAfterSeconds } },
        )
      }
    },
    async forget(request) {
      await one.delete(clientOf(request))
    },
  }
}

/** The last address is the one that the router in front of us has seen; those before it are the client's own words. */
function clientOf(request: Request): string {
  const forwarded = request.get('x-forwarded-for')?.split(',').at(-1)?.trim()
  return (forwarded || request.socket.remoteAddress || 'unknown').slice(0, LONGEST_ADDRESS)
}

// An IPv6 address with its zone.
const LONGEST_ADDRESS = 64
