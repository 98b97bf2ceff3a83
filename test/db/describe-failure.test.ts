import { describe, expect, test } from '@jest/globals'
import { describeFailure } from '../../src/db/describe-failure.ts'

const DATABASE_URL = 'postgres://ledger:geheim@db.example:6543/books%20of%20all'

const failure = (code: string, message: string, more = {}) =>
  Object.assign(new Error(message), { code, ...more })

describe('what a program says that has to end', () => {
  test.each([
    ['nobody listens', failure('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:6543')],
    ['no such host', failure('ENOTFOUND', 'getaddrinfo ENOTFOUND db.example')],
    [
      'a wrong password',
      failure('28P01', 'password authentication failed for user "ledger"', { severity: 'FATAL' }),
    ],
    ['no such database', failure('3D000', 'database "books" does not exist', { severity: 'FATAL' })],
  ])('names the database and its variable: %s', (_, error) => {
    expect(describeFailure(error, DATABASE_URL)).toBe(
      `The database books of all at db.example:6543, which DATABASE_URL names, cannot be used: ${error.message}. Start it, or correct DATABASE_URL.`,
    )
    expect(describeFailure(error, null)).toBe(error.message)
  })

  test('is anything else in its own words', () => {
    expect(describeFailure(new Error('Port 3000 is in use'), DATABASE_URL)).toBe('Port 3000 is in use')
    expect(
      describeFailure(failure('42P01', 'relation "x" does not exist', { severity: 'ERROR' }), DATABASE_URL),
    ).toBe('relation "x" does not exist')
    expect(describeFailure('a word', DATABASE_URL)).toBe('a word')
  })
})
