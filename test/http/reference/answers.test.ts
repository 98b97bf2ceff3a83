import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { LISTS } from '../../../src/books/lists.ts'
import { ENTITIES } from '../../../src/domain/entity.ts'
import { operations } from '../../../src/http/reference/operations.ts'
import { operationOf } from '../check-answer.ts'
import { openHttp, VERIFIER_TOKEN, type OpenHttp } from '../open-http.ts'
import {
  insertBalance,
  insertBill,
  insertCompany,
  insertCustomer,
  insertInvoice,
  insertReject,
  insertRun,
  insertSyncedCompany,
  insertVendor,
  secondsBefore,
} from '../rows.ts'

let http: OpenHttp

beforeAll(async () => {
  http = await openHttp()
  const { knex } = http
  await insertSyncedCompany(knex, '1', { home_currency: 'USD', time_zone: 'America/Denver' })
  await insertBill(knex, '1', '1')
  await insertInvoice(knex, '1', '1')
  await insertBalance(knex, '1', '1')
  await insertVendor(knex, '1', '1', 'Norton Lumber')
  await insertCustomer(knex, '1', '1', 'Amy’s Birds')
  for (const entity of ENTITIES) {
    await knex(LISTS[entity]).update({ currency: 'EUR', raw: '{"Line":[{"Id":"1","Amount":5}]}' })
  }
  await insertReject(knex, '1')
  await insertRun(knex, '1', { served_request: 1_000 })
  const error = { code: 'unavailable', message: 'it did not answer', intuitTid: null }
  await insertRun(knex, '1', {
    status: 'partial',
    error_code: 'unavailable',
    error_message: 'it did not answer',
    entities: JSON.stringify({
      bill: { watermarkFrom: null, watermarkTo: null, drift: { extra: 1 }, error },
    }),
  })
  await knex('disappearances').insert({
    ...{ realm_id: '1', entity: 'bill', missing: 3, held: 4, since: secondsBefore(7_000), sync_run_id: 1 },
  })
  await knex('sync_states')
    .where({ entity: 'bill' })
    .update({ error_code: 'unavailable', error_message: 'it did not answer', error_failures: 2 })
  await insertCompany(knex, '3', { status: 'needs_reauth' })
  http.deadLetters.push({
    id: randomUUID(),
    realmId: '1',
    at: secondsBefore(600),
    queuedAt: null,
    attempts: 4,
    code: null,
    message: 'job heartbeat timeout',
  })
})

afterAll(() => http.close())

// Of each operation and status, one request that is answered so; what is not here is asked for by its path alone.
interface Asked {
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

const ASKED: Readonly<Record<string, Asked>> = {
  'put /admin/companies/:realmId 201': { path: '/admin/companies/2', body: { refreshToken: 'r' } },
  'put /admin/companies/:realmId 200': { path: '/admin/companies/2', body: { refreshToken: 's' } },
  'patch /admin/companies/:realmId 200': { path: '/admin/companies/1', body: { tags: ['retail'] } },
  'post /admin/companies/:realmId/disconnect 200': { path: '/admin/companies/2/disconnect' },
  'post /webhooks/quickbooks 200': {
    ...{ path: '/webhooks/quickbooks', body: [] },
    headers: { 'intuit-signature': createHmac('sha256', VERIFIER_TOKEN).update('[]').digest('base64') },
  },
  'post /admin/sync/:realmId 200': { path: '/admin/sync/1?wait=1' },
}
const LAST = ['post /admin/companies/:realmId/pause 200', 'post /admin/companies/:realmId/resume 200']

test('every operation is answered as the reference says, with every status of success', async () => {
  const left = operations().flatMap(({ method, path, answers }) =>
    Object.keys(answers).map((status) => ({ name: `${method} ${path} ${status}`, method, path, status })),
  )
  // Registered before it is replaced; asked for while it is active.
  left.sort((one, other) => placeOf(one.name) - placeOf(other.name))
  for (const { name, method, path, status } of left) {
    const asked = ASKED[name] ?? { path: addressOf(path) }
    if (name === 'post /admin/sync/:realmId 200') await serveNext()
    const answer = await http
      .send(method, asked.path)
      .set(asked.headers ?? {})
      .send(asked.body)
    expect([name, answer.status, answer.body]).toEqual([name, Number(status), expect.anything()])
    expect(operationOf(method, asked.path)?.path).toBe(path)
  }
})

function placeOf(name: string): number {
  return LAST.includes(name) ? 2 : name.startsWith('put') && name.endsWith('200') ? 1 : 0
}

function addressOf(path: string): string {
  return path.replace(':entity', 'bill').replaceAll(/:\w+/g, '1')
}

/** As if a run had served whatever is asked for. */
async function serveNext(): Promise<void> {
  await http.knex('companies').where({ realm_id: '1' }).update({ requested_seq: 900, served_seq: 900 })
}
