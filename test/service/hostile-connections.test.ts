import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from '@jest/globals'
import { closed, everything, openSocket, statusOf, until } from '../http/raw.ts'
import { parseExposition } from '../metrics/parse-exposition.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { ADMIN_TOKEN, openDeployment, smallCompany, type Deployment, type Replica } from './deployment.ts'

const COMPANIES = 8
const CONNECTIONS = 10_000
const EARLY = 2_000
const AT_ONCE = 40
const CONNECTIONS_A_ROUND = 500
// Far shorter than 500 connections take.
const ROUND_POLL_MS = 20
// A connection that left anything behind would leave its socket, parser and request: several kB. Less than 400 bytes
// for each of the 8,000 is what compiled code, statistics and the queue's caches still move by.
const MOST_GROWTH_BYTES = (CONNECTIONS - EARLY) * 400
// Connections to Postgres and to Intuit that are open at one look and not at another.
const MOST_DESCRIPTORS = 20

const cleanUp: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})

async function deploy(): Promise<{
  deployment: Deployment
  realmIds: string[]
  replica: Replica
  port: number
}> {
  const database = await createTestDatabase()
  cleanUp.push(() => database.drop())
  const companies = Array.from({ length: COMPANIES }, (_, index) => smallCompany(index + 1))
  const deployment = await openDeployment({ databaseUrl: database.url, companies })
  cleanUp.push(() => deployment.close())
  await deployment.migrate()
  await deployment.registerCompanies()
  const collecting = new URL('collect-on-signal.js', import.meta.url).href
  const replica = await deployment.start({ NODE_OPTIONS: `--import=${collecting}`, LOG_LEVEL: 'info' })
  return {
    deployment,
    realmIds: companies.map(({ realmId }) => realmId),
    replica,
    port: Number(new URL(replica.url).port),
  }
}

const HOST = 'Host: x\r\n'
const TOKEN = `Authorization: Bearer ${ADMIN_TOKEN}\r\n`
const JSON_TYPE = 'Content-Type: application/json\r\n'
const CLOSE = 'Connection: close\r\n'
const BOMB = gzipSync(`{"a":"${'x'.repeat(10_000_000)}"}`)

interface Kind {
  readonly bytes: (realmId: string) => string | Buffer
  /** The statuses that it may be told; null: cut off without one. */
  readonly told: readonly (number | null)[]
  /** The client goes away without waiting. */
  readonly leaves?: true
}

/** What comes in turn. */
const KINDS: readonly Kind[] = [
  { bytes: () => `GET /admin/companies HTTP/1.1\r\n${HOST}${TOKEN}${CLOSE}\r\n`, told: [200] },
  {
    bytes: (realmId) => `GET /api/companies/${realmId}/bills?limit=5 HTTP/1.1\r\n${HOST}${TOKEN}${CLOSE}\r\n`,
    told: [200],
  },
  { bytes: () => `GET /readyz HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, told: [200] },
  { bytes: () => 'GET /healthz HTTP/1.0\r\n\r\n', told: [200] },
  {
    bytes: () => `POST /admin/sync HTTP/1.1\r\n${HOST}Authorization: Bearer wrong\r\n${CLOSE}\r\n`,
    told: [401],
  },
  { bytes: (realmId) => `PUT /admin/companies/${realmId} HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, told: [401] },
  { bytes: () => `GET /metrics HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, told: [401] },
  { bytes: () => `GET /%00/..%2f..%2fetc HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, told: [404] },
  { bytes: () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', told: [400] },
  { bytes: () => Buffer.alloc(4_000, 0xa7), told: [400] },
  { bytes: () => `GET /healthz HTTP/1.1\r\n${CLOSE}\r\n`, told: [400] },
  // The rest of it may meet a connection that is gone.
  { bytes: () => `GET /${'x'.repeat(17_000)} HTTP/1.1\r\n${HOST}\r\n`, told: [431, null] },
  {
    bytes: (realmId) =>
      `PUT /admin/companies/${realmId} HTTP/1.1\r\n${HOST}${TOKEN}${JSON_TYPE}${CLOSE}Content-Length: 99999999\r\n\r\n${'x'.repeat(150_000)}`,
    told: [413, null],
  },
  {
    bytes: (realmId) =>
      Buffer.concat([
        Buffer.from(
          `PUT /admin/companies/${realmId} HTTP/1.1\r\n${HOST}${TOKEN}${JSON_TYPE}${CLOSE}Content-Encoding: gzip\r\nContent-Length: ${BOMB.length}\r\n\r\n`,
        ),
        BOMB,
      ]),
    told: [413],
  },
  {
    bytes: () =>
      `POST /admin/sync HTTP/1.1\r\n${HOST}${TOKEN}${JSON_TYPE}${CLOSE}Content-Length: 8\r\n\r\n{"mode":`,
    told: [400],
  },
  {
    bytes: () =>
      `POST /admin/sync HTTP/1.1\r\n${HOST}${TOKEN}${JSON_TYPE}Content-Length: 5000\r\n\r\n{"mode"`,
    told: [null],
    leaves: true,
  },
  { bytes: () => `POST /admin/sync HTTP/1.1\r\nHost: x\r\nX-Slow`, told: [null], leaves: true },
  { bytes: () => '', told: [null], leaves: true },
  {
    bytes: () => `GET /admin/companies HTTP/1.1\r\n${HOST}${TOKEN}\r\n`.repeat(10),
    told: [200, null],
    leaves: true,
  },
]

describe('a process of the service', () => {
  test('bears ten thousand connections of every kind while it syncs, and nothing stays behind of them', async () => {
    const { deployment, realmIds, replica, port } = await deploy()
    await untilServed(deployment)
    const wrong: string[] = []
    let met = 0
    const storm = async (most: number) => {
      const one = async () => {
        while (met < most) {
          const kind = met++ % KINDS.length
          const status = await meet(port, KINDS[kind]!, realmIds[kind % realmIds.length]!)
          if (!KINDS[kind]!.told.includes(status)) wrong.push(`kind ${kind} was told ${status}`)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, one))
    }

    const syncing = keepSyncing(deployment, replica, () => met)
    await storm(EARLY)
    const early = await leftOf(replica)
    // Left hanging to their end: the server must give them up by itself.
    const hanging = await Promise.all(
      [
        '',
        'GET /he',
        `POST /admin/sync HTTP/1.1\r\n${HOST}${TOKEN}${JSON_TYPE}Content-Length: 9\r\n\r\n{`,
      ].flatMap((bytes) => Array.from({ length: 10 }, () => hang(port, bytes))),
    )
    const givenUp = Promise.all(hanging.map(everything))
    await storm(CONNECTIONS)
    const rounds = await syncing
    await untilServed(deployment)
    for (const text of await givenUp) expect(statusOf(text)).toBe(408)
    const late = await leftOf(replica)

    expect([...new Set(wrong)]).toEqual([])
    expect(late.heapBytes - early.heapBytes).toBeLessThan(MOST_GROWTH_BYTES)
    expect(late.descriptors - early.descriptors).toBeLessThanOrEqual(MOST_DESCRIPTORS)
    await expectNoFailure(replica)
    await expectSyncedEachRound(deployment, realmIds, rounds)
    expect(await replica.end('SIGTERM')).toBe(0)
  }, 180_000)

  test('ends when it is asked to, although a hundred connections are silent, slow, deaf or waiting', async () => {
    const { realmIds, replica, port } = await deploy()
    const kinds = [
      '',
      'GET /he',
      `POST /admin/sync HTTP/1.1\r\n${HOST}${TOKEN}${JSON_TYPE}Content-Length: 100\r\n\r\n{`,
      `POST /admin/sync HTTP/1.1\r\n${HOST}Content-Length: 1000000000\r\n\r\n`,
      `POST /admin/sync/${realmIds[0]}?wait=25 HTTP/1.1\r\n${HOST}${TOKEN}\r\n`,
      `GET /admin/companies HTTP/1.1\r\n${HOST}${TOKEN}\r\n`.repeat(50),
    ]
    const sockets = await Promise.all(
      Array.from({ length: 100 }, (_, index) => hang(port, kinds[index % kinds.length]!)),
    )
    for (const socket of sockets) socket.pause()
    // The last of them is in its hands.
    expect(await replica.request('GET', '/healthz')).toMatchObject({ status: 200 })
    expect(await replica.end('SIGTERM')).toBe(0)
    for (const socket of sockets) socket.destroy()
  })
})

async function hang(port: number, bytes: string): Promise<Socket> {
  const socket = await openSocket(port)
  socket.write(bytes)
  return socket
}

/** One connection, from its begin to its end; gives the status that it was told. */
async function meet(port: number, { bytes, leaves }: Kind, realmId: string): Promise<number | null> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  if (leaves) {
    socket.write(bytes(realmId), () => socket.destroy())
    if (bytes(realmId).length === 0) socket.once('connect', () => socket.destroy())
    await closed(socket)
    return null
  }
  socket.write(bytes(realmId))
  return statusOf(await everything(socket))
}

/** Work in the books and a sync of all, once in so many connections; gives how many rounds there were. */
async function keepSyncing(deployment: Deployment, replica: Replica, met: () => number): Promise<number> {
  let rounds = 0
  for (let next = 0; next < CONNECTIONS; next += CONNECTIONS_A_ROUND) {
    while (met() < next) await wait(ROUND_POLL_MS)
    for (const { realmId } of deployment.sandbox.companies()) deployment.sandbox.books(realmId).step()
    const asked = await replica.request('POST', '/admin/sync', { body: {} })
    expect(asked.status).toBe(202)
    await untilServed(deployment)
    rounds += 1
  }
  return rounds
}

async function untilServed(deployment: Deployment): Promise<void> {
  await deployment.untilRow(`SELECT FROM companies HAVING bool_and(served_seq = requested_seq)`)
}

interface Left {
  readonly said: number
  readonly heapBytes: number
  readonly descriptors: number
}

/** What the process holds after it has collected its garbage. */
async function leftOf(replica: Replica): Promise<Left> {
  const lines = () => replica.output().match(/^left .*$/gm) ?? []
  const before = lines().length
  replica.process.kill('SIGUSR2')
  await until(() => lines().length > before)
  return JSON.parse(lines().at(-1)!.slice('left '.length)) as Left
}

/** No answer of 5xx, no word at error level, no crash. */
async function expectNoFailure(replica: Replica): Promise<void> {
  const { series } = parseExposition((await replica.request('GET', '/metrics')).text)
  const failed = [...series.keys()].filter((name) => /^ledger_http_.*status="5/.test(name))
  expect(failed).toEqual([])
  expect(replica.output()).not.toContain('"level":"error"')
  expect(replica.process.exitCode).toBeNull()
}

async function expectSyncedEachRound(
  deployment: Deployment,
  realmIds: readonly string[],
  rounds: number,
): Promise<void> {
  expect(await deployment.rows(`SELECT DISTINCT status FROM sync_runs`)).toEqual([{ status: 'succeeded' }])
  const runs = await deployment.rows<{ runs: number }>(
    `SELECT count(*)::int AS runs FROM sync_runs GROUP BY realm_id`,
  )
  expect(runs).toHaveLength(realmIds.length)
  // And the first, before any of them.
  for (const { runs: count } of runs) expect(count).toBeGreaterThan(rounds)
  for (const realmId of realmIds) {
    expect(await dumpMirror(deployment, realmId)).toEqual(expectedMirror(deployment, realmId))
  }
}
