import type { Knex } from 'knex'
import { connect } from '../../src/db/connect.ts'

/** A pool to look at a test's database with, beside what is under test. */
export function openKnex(url: string, { poolMax = 1 } = {}): Knex {
  return connect({ url, tls: 'off', poolMax, applicationName: 'test', statementTimeoutMs: null })
}
