import { EventEmitter, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Config } from '../../src/config.ts'
import { createAccessTokens } from '../../src/connections/access-tokens.ts'
import { seedCompanies } from '../../src/connections/seed-companies.ts'
import { forgetSettingsPause } from '../../src/connections/service-state.ts'
import { createTokenCipher } from '../../src/connections/token-cipher.ts'
import { connect } from '../../src/db/connect.ts'
import { createDatabase } from '../../src/db/database.ts'
import type { Mode } from '../../src/domain/sync-run.ts'
import { createHttp } from '../../src/http/http.ts'
import { deleteOldRuns } from '../../src/jobs/housekeeping.ts'
import { performSync } from '../../src/jobs/perform-sync.ts'
import { tick } from '../../src/jobs/tick.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { operations } from '../../src/operations.ts'
import { createQuickBooks } from '../../src/quickbooks/quickbooks.ts'
import { startSandbox, type FaultSpec, type Sandbox } from '../../src/sandbox/sandbox.ts'
import { openRun } from '../../src/sync/open-run.ts'
import { readSyncMetrics } from '../../src/sync/read-metrics.ts'
import { runCompany, type SyncOptions } from '../../src/sync/run-company.ts'
import { createTestClock, type TestClock } from '../setup/clock.ts'

const INTERVAL_SECONDS = 900
const ADMIN_TOKEN = 'the-admin-token'
// The smallest that the simulator makes up by itself.
const RECORDS = 12
// One heartbeat is sent every five seconds.
const LONGER_THAN_A_HEARTBEAT_MS = 5_500

/** A company that has been with the service all along. */
const ELDER = '4620816300000000901'

/** A whole service on one database, moved by hand: every statement it can send is sent because of a step below. */
export interface Life {
  /** Everything that may happen to a company that stays, and to one that comes, goes and is purged. */
  live(newcomer: string): Promise<void>
  close(): Promise<void>
}

export interface LifeOptions {
  readonly url: string
  readonly applicationName: string
  /** Whether a run is to last until its heartbeat, which takes real seconds. */
  readonly waitsForHeartbeat: boolean
}

export async function beginLife({ url, applicationName, waitsForHeartbeat }: LifeOptions): Promise<Life> {
  const clock = createTestClock('2026-11-02T10:00:00.000Z')
  const app = { clientId: 'test-app', clientSecret: 'test-app-secret' }
  const sandbox = await startSandbox({
    port: 0,
    directory: null,
    now: () => clock.now().getTime(),
    seed: 7,
    companies: [specOf(ELDER)],
    ...app,
    activityIntervalMs: null,
  })
  // A statement belongs to the connection that prepared it: whatever is prepared before an upgrade is sent after it on
  // the same one, because there is only one.
  const knex = connect({ url, tls: 'off', poolMax: 1, applicationName, statementTimeoutMs: 20_000 })
  const database = createDatabase(knex, clock)
  const cipher = createTokenCipher([{ id: 'test', key: Buffer.alloc(32, 7) }])
  const quickbooks = createQuickBooks({
    apiBaseUrl: sandbox.apiBaseUrl,
    tokenUrl: sandbox.tokenUrl,
    revokeUrl: sandbox.revokeUrl,
    ...app,
    callTimeoutMs: 20_000,
    tokenTimeoutMs: 5_000,
    now: () => clock.now().getTime(),
  })
  // What fails on purpose would be an error in the log.
  const log = createLog({ level: 'none', format: 'pretty', secrets: () => [] })
  const tokens = createAccessTokens({
    database,
    cipher,
    environment: 'simulator',
    refreshTokens: (token, onCall) => quickbooks.refreshTokens(token, onCall),
    log,
  })
  const sync: SyncOptions = {
    database,
    intervalSeconds: INTERVAL_SECONDS,
    random: () => 0.5,
    log,
    openReader(access) {
      const reader = quickbooks.company({
        ...access,
        accessToken: () => tokens.get(access.realmId, access),
        renewAccessToken: (stale) => tokens.renew(access.realmId, stale, access),
      })
      const count: typeof reader.count = (entity) =>
        service.cutsListings ? Promise.reject(new Error('cut short')) : reader.count(entity)
      return { ...reader, count }
    },
  }
  const queue = new EventEmitter()
  const enqueue = () => {
    queue.emit('queued')
    return Promise.resolve()
  }
  const config = { quickbooks: { environment: 'simulator' } } as Config
  const metrics = (perCompany: boolean) =>
    createMetrics({
      perCompany,
      monthlyCallBudget: null,
      version: 'test',
      readSync: () => readSyncMetrics(database, { perCompany, intervalSeconds: 900 }),
      readQueues: () => Promise.resolve([]),
      collectorTimeoutMs: 20_000,
      log,
    })
  const http = createHttp({
    database,
    adminToken: ADMIN_TOKEN,
    version: 'test',
    readToken: null,
    metricsToken: null,
    webhookVerifierToken: null,
    log,
    readiness: () => Promise.resolve([]),
    metrics: metrics(true),
    intervalSeconds: INTERVAL_SECONDS,
    waitPollMs: 50,
    stop: new AbortController().signal,
    ...operations({
      ...{ config, database, cipher, quickbooks, enqueue, log },
      stop: new AbortController().signal,
    }),
    readDeadLetters: () => Promise.resolve([]),
    redriveDeadLetters: () => Promise.resolve({ asked: [], left: 0 }),
    readQueueState: () => Promise.resolve({ jobs: [], oldestWaiting: [], failures: [] }),
  })
  const server = http.listen(0, '127.0.0.1')
  const port = () => (server.address() as AddressInfo).port
  await seedCompanies({ database, cipher, environment: 'simulator' }, sandbox.companies())

  const service: Service = {
    waitsForHeartbeat,
    cutsListings: false,
    clock,
    sandbox,
    perform: (realmId, stop = new AbortController().signal) =>
      performSync(
        {
          database,
          intervalSeconds: INTERVAL_SECONDS,
          run: (realm, signal) => runCompany(sync, realm, signal),
          log,
        },
        { realmId, last: true, stop },
      ),
    untilQueued: async () => {
      await once(queue, 'queued')
    },
    die: async (realmId) => {
      await openRun(database, realmId)
    },
    tick: async (monthlyCallBudget) => {
      await tick({
        database,
        enqueue,
        intervalSeconds: INTERVAL_SECONDS,
        monthlyCallBudget: monthlyCallBudget ?? null,
      })
    },
    tidy: async () => {
      await forgetSettingsPause(knex, new Date())
      await deleteOldRuns(database, 30)
      await metrics(false).render()
    },
    sql: async (statement) => {
      await knex.raw(statement)
    },
    async send(method, path, body) {
      const answer = await fetch(`http://127.0.0.1:${port()}${path}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: await answer.text() }
    },
  }
  return {
    async live(newcomer) {
      await business(service, newcomer)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      quickbooks.close()
      await knex.destroy()
      await sandbox.stop()
    },
  }
}

interface Service {
  readonly waitsForHeartbeat: boolean
  /** Every listing ends in a defect once its pages are taken. */
  cutsListings: boolean
  readonly clock: TestClock
  readonly sandbox: Sandbox
  perform(realmId: string, stop?: AbortSignal): Promise<void>
  /** Waits until somebody next asks for a run. */
  untilQueued(): Promise<void>
  /** Begins a run and does nothing more, as a process that was killed. */
  die(realmId: string): Promise<void>
  tick(monthlyCallBudget?: number): Promise<void>
  tidy(): Promise<void>
  /** What a person does with psql. */
  sql(statement: string): Promise<void>
  send(method: string, path: string, body?: object): Promise<{ status: number; body: string }>
}

function specOf(realmId: string) {
  return {
    realmId,
    name: `Company ${realmId.slice(-3)}`,
    records: RECORDS,
    homeCurrency: 'USD',
    multiCurrency: true,
    country: 'USA',
    lively: false,
  }
}

async function business(service: Service, newcomer: string): Promise<void> {
  await arrive(service, newcomer)
  await edit(service)
  await reject(service)
  await infer(service)
  await fail(service)
  await upgrade(service)
  await read(service, ELDER)
  await leave(service, newcomer)
}

async function expectStatus(service: Service, status: number, ...asked: Parameters<Service['send']>) {
  const answer = await service.send(...asked)
  if (answer.status !== status) {
    throw new Error(`${asked[0]} ${asked[1]} answered ${answer.status}, not ${status}: ${answer.body}`)
  }
  return answer.body
}

async function request(service: Service, realmId: string, mode: Mode = 'incremental'): Promise<void> {
  await expectStatus(service, 202, 'POST', `/admin/sync/${realmId}`, { mode })
}

async function run(service: Service, realmId: string, mode: Mode = 'incremental'): Promise<void> {
  await request(service, realmId, mode)
  await service.perform(realmId)
  service.clock.move({ minutes: 15 })
}

/** The same with a fault of Intuit's side; the company is asked for again after whatever wait the failure brought. */
async function runWith(service: Service, fault: FaultSpec, mode: Mode = 'incremental'): Promise<void> {
  service.sandbox.faults.add({ realmId: ELDER, ...fault })
  await run(service, ELDER, mode)
  service.sandbox.faults.clear()
  service.clock.move({ hours: 2 })
  await service.tick()
  await service.perform(ELDER)
}

/** Registered, refused once, filled by a backfill that is cut short; the elder is caught up meanwhile. */
async function arrive(service: Service, newcomer: string): Promise<void> {
  const { clock, sandbox } = service
  const path = `/admin/companies/${newcomer}`
  sandbox.addCompany(specOf(newcomer))
  const { refreshToken } = sandbox.companies().find(({ realmId }) => realmId === newcomer)!
  await expectStatus(service, 422, 'PUT', path, { refreshToken: 'never-issued' })
  await expectStatus(service, 201, 'PUT', path, { refreshToken, name: 'A newcomer' })
  service.cutsListings = true
  await service.perform(newcomer).then(
    () => Promise.reject(new Error('the listing was not cut short')),
    () => undefined,
  )
  service.cutsListings = false
  clock.move({ hours: 2 })
  await service.tick()
  await service.perform(newcomer)
  await service.perform(ELDER)
  await expectStatus(service, 202, 'POST', '/admin/sync', {})
  const queued = service.untilQueued()
  const waiting = expectStatus(service, 200, 'POST', `/admin/sync/${newcomer}?wait=20`, {})
  await queued
  await service.perform(newcomer)
  await waiting
}

/** What people do to their books between two syncs. */
async function edit(service: Service): Promise<void> {
  const books = service.sandbox.books(ELDER)
  const vendorId = books.createVendor({ name: `Vendor of ${stamp(service)}` }).Id
  const otherVendorId = books.createVendor({ name: `Another of ${stamp(service)}` }).Id
  const customerId = books.createCustomer({ name: `Customer of ${stamp(service)}` }).Id
  const bill = books.createBill({ vendorId, amount: '100.00', dueDate: '2026-11-05' }).Id
  const other = books.createBill({ vendorId: otherVendorId, amount: '40.00' }).Id
  const invoice = books.createInvoice({ customerId, amount: '80.00' }).Id
  const voided = books.createInvoice({ customerId, amount: '20.00' }).Id
  await run(service, ELDER)
  books.editBill(bill, { privateNote: `as of ${stamp(service)}` })
  books.payBill(bill, '60.00')
  books.receivePayment(invoice, '80.00')
  books.voidInvoice(voided)
  books.renameVendor(vendorId, `Vendor renamed at ${stamp(service)}`)
  books.merge('Vendor', vendorId, otherVendorId)
  books.inactivate('Customer', customerId)
  await run(service, ELDER)
  books.touch('Invoice', invoice)
  books.backdate('Bill', other, '2026-09-30')
  books.deleteTxn('Bill', bill)
  // Made and gone before anybody looked: only its tombstone is ever seen.
  books.deleteTxn('Invoice', books.createInvoice({ customerId, amount: '5.00' }).Id)
  await run(service, ELDER)
  books.restoreAs('Bill', bill)
  books.falseTombstone('Invoice', invoice)
  await run(service, ELDER)
}

async function reject(service: Service): Promise<void> {
  const books = service.sandbox.books(ELDER)
  const rejects = `/admin/companies/${ELDER}/rejects`
  const spoil = (patch: object) => {
    const made = books.createBill({ vendorId: '1', amount: '2.00' })
    books.put('Bill', { ...made, ...patch } as unknown as Parameters<typeof books.put>[1])
    return made.Id
  }
  const many = spoil({ TotalAmt: 'many' })
  const torn = spoil({ PrivateNote: 'torn\u0000note' })
  await run(service, ELDER)
  await expectStatus(service, 200, 'GET', rejects)
  await expectStatus(service, 202, 'POST', `${rejects}/retry`, {})
  await service.perform(ELDER)
  for (const id of [many, torn]) {
    books.put('Bill', { ...books.touch('Bill', id), TotalAmt: 2, PrivateNote: 'mended' })
  }
  await run(service, ELDER)
  await expectStatus(service, 200, 'GET', `${rejects}?resolved=true`)
  // Breaks every answer that it is part of: at first the run fails, then each entity is asked for alone.
  const poisoned = books.createBill({ vendorId: '1', amount: '6.00' }).Id
  service.sandbox.faults.add({ kind: 'poisonedRecord', realmId: ELDER, recordId: poisoned })
  await run(service, ELDER)
  service.clock.move({ hours: 2 })
  await run(service, ELDER)
  service.sandbox.faults.clear()
  await run(service, ELDER)
}

/** What only a complete listing finds. */
async function infer(service: Service): Promise<void> {
  const books = service.sandbox.books(ELDER)
  const lost = books.createBill({ vendorId: '1', amount: '3.00' }).Id
  const drifted = books.createBill({ vendorId: '1', amount: '4.00' }).Id
  await run(service, ELDER)
  books.vanish('Bill', lost)
  books.silentChange('Bill', drifted, { PrivateNote: 'changed in silence' })
  await run(service, ELDER, 'full')
  service.clock.move({ days: 45 })
  await run(service, ELDER)
}

/** Every way for a run to end badly. */
async function fail(service: Service): Promise<void> {
  const { sandbox, clock } = service
  if (service.waitsForHeartbeat) {
    await runWith(service, { kind: 'slow', operation: 'cdc', delayMs: LONGER_THAN_A_HEARTBEAT_MS, times: 1 })
  }
  await runWith(service, { kind: 'server500' })
  await runWith(service, { kind: 'server500' }, 'full')
  await runWith(service, { kind: 'throttled429' })
  await runWith(service, { kind: 'company6190' })
  await runWith(service, { kind: 'forbidden3100' })
  await runWith(service, { kind: 'expired3200', times: 1 })

  const stopping = new AbortController()
  sandbox.faults.add({ kind: 'hang', realmId: ELDER, operation: 'cdc', times: 1 })
  await request(service, ELDER)
  const stopped = service.perform(ELDER, stopping.signal)
  while (sandbox.faults.list().some(({ strikesLeft }) => strikesLeft === 1)) await nextTurn()
  stopping.abort()
  await stopped
  sandbox.faults.clear()
  await service.perform(ELDER)

  await request(service, ELDER)
  await service.die(ELDER)
  await service.perform(ELDER)
  await service.sql(
    `UPDATE sync_runs SET heartbeat_at = heartbeat_at - interval '1 minute' WHERE status = 'running'`,
  )
  await service.tick()
  await service.perform(ELDER)

  sandbox.faults.add({ kind: 'invalidGrant', operation: 'token' })
  clock.move({ hours: 2 })
  await run(service, ELDER)
  sandbox.faults.clear()
  const { refreshToken } = sandbox.companies().find(({ realmId }) => realmId === ELDER)!
  await expectStatus(service, 200, 'PUT', `/admin/companies/${ELDER}`, { refreshToken })
  await service.perform(ELDER)

  sandbox.faults.add({ kind: 'invalidClient', operation: 'token' })
  clock.move({ hours: 2 })
  await run(service, ELDER)
  sandbox.faults.clear()
  await service.tidy()
  await service.tick(1)
  await service.tidy()
  await service.tick()
  await service.perform(ELDER)
}

/** A mapping that was raised: its rows are mapped again, and one of them says something else. */
async function upgrade(service: Service): Promise<void> {
  for (const table of ['vendors', 'customers', 'balances', 'bills', 'invoices']) {
    await service.sql(`UPDATE ${table} SET mapping_version = 0`)
  }
  await service.sql(`UPDATE bills SET private_note = 'as mapped before' WHERE private_note IS NULL`)
  await service.sql('UPDATE sync_states SET mapping_version = 0')
  await run(service, ELDER)
}

/** Every route that only reads, with all it can be asked. */
async function read(service: Service, realmId: string): Promise<void> {
  const ok = (path: string) => expectStatus(service, 200, 'GET', path)
  const statuses = {
    bills: ['open', 'overdue', 'paid'],
    invoices: ['open', 'overdue', 'paid', 'voided'],
    balances: [],
    vendors: [],
    customers: [],
  }
  for (const [list, words] of Object.entries(statuses)) {
    const path = `/api/companies/${realmId}/${list}`
    const page = JSON.parse(await ok(`${path}?limit=1`)) as {
      data: { qboId: string; validFrom: string }[]
      nextCursor: string
    }
    await ok(`${path}?limit=1&cursor=${page.nextCursor}`)
    await ok(`${path}?includeDeleted=true`)
    await ok(`${path}/${page.data[0]!.qboId}`)
    for (const word of words) await ok(`${path}?status=${word}`)
    if (words.length > 0) {
      await ok(`${path}?dueBefore=2026-12-31&dueAfter=2026-01-01&counterparty=1&sort=-dueDate&expand=lines`)
      await ok(`${path}?sort=counterparty&minBalance=1&currency=USD`)
    }
    const latest = JSON.parse(await ok(`${path}?limit=1&sort=-changed`)) as typeof page
    const { qboId, validFrom } = latest.data[0]!
    for (const moment of [`asOf=${validFrom}`, 'sourceAsOf=2027-12-31T00:00:00Z']) {
      await ok(`${path}?limit=2&sort=changed&${moment}`)
      await ok(`${path}/${qboId}?${moment}`)
    }
  }
  await ok(`/api/companies/${realmId}/balances/1/series?from=2026-09-01&step=month`)
  await ok('/api/companies')
  await expectStatus(service, 200, 'PATCH', `/admin/companies/${realmId}`, {
    tags: ['elder'],
    maxLagMinutes: 30,
  })
  const runs = JSON.parse(await ok('/admin/sync/runs?limit=1')) as {
    data: { id: number }[]
    nextCursor: string
  }
  await ok(`/admin/sync/runs?limit=1&cursor=${runs.nextCursor}`)
  await ok(`/admin/sync/runs?realmId=${realmId}&limit=3`)
  await ok('/admin/sync/runs?status=failed&since=2026-11-02T10:00:00Z')
  await ok(`/admin/sync/runs/${runs.data[0]!.id}`)
  await ok('/admin/companies')
  await ok(`/admin/companies/${realmId}`)
  await ok('/metrics')
  await ok('/readyz')
  for (const list of ['bills', 'invoices', 'balances']) {
    await service.sql(`SELECT * FROM ${list}_current ORDER BY realm_id, qbo_id`)
    await service.sql(`SELECT * FROM ${list}_versions ORDER BY realm_id, qbo_id, valid_from`)
    await service.sql(`SELECT * FROM ${list}_as_of('infinity') ORDER BY realm_id, qbo_id`)
    await service.sql(`SELECT * FROM ${list}_source_as_of('2026-11-05') ORDER BY realm_id, qbo_id`)
  }
  await service.sql('SELECT realm_id, qbo_id, balance FROM open_items ORDER BY realm_id, kind, qbo_id')
  await service.sql('SELECT realm_id, entity, never_synced FROM company_freshness ORDER BY realm_id, entity')
}

async function leave(service: Service, newcomer: string): Promise<void> {
  const path = `/admin/companies/${newcomer}`
  await expectStatus(service, 200, 'POST', `${path}/pause`, {})
  await expectStatus(service, 200, 'POST', `${path}/resume`, {})
  await expectStatus(service, 200, 'POST', `${path}/disconnect`, {})
  await service.sql(`SELECT purge_company('${newcomer}', 'no longer a customer')`)
  service.clock.move({ days: 40 })
  await service.tidy()
}

function stamp({ clock }: Service): string {
  return clock.now().toISOString()
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
