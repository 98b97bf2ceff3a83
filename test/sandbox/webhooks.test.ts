import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { Books } from '../../src/sandbox/books.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts'
import { company, REALM } from '../setup/mirror.ts'

const VERIFIER = 'a-verifier-token-of-the-test'

interface Told {
  readonly signature: string | undefined
  readonly text: string
}

let sandbox: Sandbox
let books: Books
let subscriber: Server
let told: Told[]
let nowMs: number

beforeEach(async () => {
  told = []
  nowMs = Date.UTC(2026, 10, 2, 10)
  subscriber = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const signature = request.headers['intuit-signature'] as string | undefined
      told.push({ signature, text: Buffer.concat(chunks).toString() })
      response.writeHead(200).end()
      subscriber.emit('told')
    })
  }).listen(0, '127.0.0.1')
  await once(subscriber, 'listening')
  sandbox = await startSandbox({
    ...{ port: 0, directory: null, seed: 3, clientId: 'c', clientSecret: 's', activityIntervalMs: null },
    now: () => nowMs,
    companies: [company({ lively: false })],
  })
  books = sandbox.books(REALM)
})

afterEach(async () => {
  await sandbox.stop()
  subscriber.closeAllConnections()
  subscriber.close()
})

function subscribe(): void {
  const { port } = subscriber.address() as AddressInfo
  sandbox.subscribe({ url: `http://127.0.0.1:${port}/hooks`, verifierToken: VERIFIER })
}

interface Event {
  readonly type: string
  readonly intuitentityid: string
  readonly intuitaccountid: string
}

async function toldOf(act: () => void): Promise<Event[]> {
  const next = once(subscriber, 'told')
  act()
  await next
  return JSON.parse(told.at(-1)!.text) as Event[]
}

test('tells of a change as CloudEvents, signed over the bytes sent, by id and without values', async () => {
  subscribe()
  let id = ''
  const events = await toldOf(() => (id = books.createBill({ vendorId: '1', amount: '8.25' }).Id))
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'qbo.bill.created.v1',
      intuitentityid: id,
      intuitaccountid: REALM,
    }),
  )
  expect(events.map(({ type }) => type)).toContain('qbo.account.updated.v1')
  const [{ signature, text }] = told as [Told]
  expect(text).not.toContain('8.25')
  expect(signature).toBe(createHmac('sha256', VERIFIER).update(text).digest('base64'))
  const edited = await toldOf(() => books.editBill(id, { privateNote: 'x' }))
  expect(edited.map(({ intuitentityid }) => intuitentityid)).toContain(id)
  const deleted = await toldOf(() => books.deleteTxn('Bill', id))
  expect(deleted).toContainEqual(expect.objectContaining({ type: 'qbo.bill.deleted.v1', intuitentityid: id }))
})

test('tells nothing of what no message tells, nor before somebody asked to be told', async () => {
  const [bill] = books.records('Bill')
  books.editBill(bill!.Id, { privateNote: 'before' })
  subscribe()
  nowMs += 60_000
  books.silentChange('Bill', bill!.Id, { PrivateNote: 'silently' })
  const events = await toldOf(() => books.createVendor({ name: 'Late Vendor' }))
  expect(told).toHaveLength(1)
  expect(events.map(({ type }) => type)).toEqual(['qbo.vendor.created.v1'])
})
