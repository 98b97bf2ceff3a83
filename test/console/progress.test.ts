import { get as httpGet, type IncomingMessage } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { EventEmitter, once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { insertCompany, insertRun, insertSyncedCompany } from '../http/rows.ts'
import { openConsole, textOf, type OpenConsole } from './open-console.ts'

const COMPANY = '/console/companies/1'
const STREAM = `${COMPANY}/progress`

let http: OpenConsole
let server: Server
let stopping: AbortController

beforeEach(async () => {
  stopping = new AbortController()
  http = await openConsole({ stop: stopping.signal })
  await insertSyncedCompany(http.knex, '1', { name: 'Ada & Sons' })
  server = http.app.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  stopping.abort()
  server.close()
  await http.close()
})

interface Stream {
  readonly answer: IncomingMessage
  /** The next event that comes, as its name and what it says. */
  next(): Promise<readonly [name: string, text: string]>
  /** Resolves when the service has ended it. */
  ended(): Promise<void>
  leave(): void
}

async function watch(path = STREAM): Promise<Stream> {
  const { port } = server.address() as AddressInfo
  const asked = httpGet({ port, path, headers: { Cookie: http.cookie } })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const closed = new Promise<void>((resolve) => answer.once('close', resolve))
  answer.setEncoding('utf8')
  // Leaving is one.
  for (const end of [asked, answer]) end.on('error', () => undefined)
  let kept = ''
  const more = new EventEmitter()
  answer.on('data', (text: string) => {
    kept += text
    more.emit('text')
  })
  return {
    answer,
    async next() {
      for (;;) {
        const found = /event: (\w+)\n((?:data: .*\n)+)\n/.exec(kept)
        if (found) {
          kept = kept.slice(found.index + found[0].length)
          return [found[1]!, textOf(`<main>${found[2]!.replace(/^data: /gm, '')}</main>`)]
        }
        await once(more, 'text')
      }
    },
    ended: () => closed,
    leave: () => asked.destroy(),
  }
}

async function keepListing(entity: string, listing: object | null): Promise<void> {
  await http.knex('sync_states').where({ realm_id: '1', entity }).update({ listing })
}

const started = (rows: number, expected: number | null) => ({
  startedAt: '2026-11-26T08:00:00.000Z',
  request: 1,
  cursor: { after: rows },
  done: { pages: Math.ceil(rows / 1000), rows },
  expected,
})

describe('the progress of a sync', () => {
  test('is told from being asked for to its end, with pages, rows, pace and what is left', async () => {
    await http.act(`${COMPANY}/sync`, { mode: 'full' })
    const stream = await watch()
    expect(stream.answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
    })
    expect(await stream.next()).toEqual(['progress', expect.stringContaining('Asked for')])
    const run = await insertRun(http.knex, '1', { status: 'running', finished_at: null, mode: 'full' })
    await keepListing('bill', { ...started(2000, 9000) })
    await reads(stream, /Listing everything .* 2,000 records on 2 pages.* Bills 2,000 of 9,000/)
    await keepListing('bill', { ...started(5000, 9000) })
    await reads(stream, /5,000 records on 5 pages, [\d,]+ a second; bills done in about \d+ s/)
    await keepListing('bill', { ...started(9001, 9000), cursor: null })
    await keepListing('invoice', started(1000, null))
    await reads(stream, /10,001 records on 11 pages, [\d,]+ a second Bills 9,001, done Invoices 1,000$/)
    await http.knex('sync_runs').where({ id: run }).update({ status: 'succeeded', finished_at: new Date() })
    await http.knex('companies').update({ served_seq: http.knex.ref('requested_seq') })
    await reads(stream, /^$/, 'done')
    await stream.ended()
  })

  test('is not told of a company that is not synced at the moment', async () => {
    const stream = await watch()
    expect(await stream.next()).toEqual(['done', ''])
    await stream.ended()
  })

  test('is shared by all who watch, and forgotten with the last of them', async () => {
    await http.act(`${COMPANY}/sync`)
    const [one, other] = [await watch(), await watch()]
    await one.next()
    await other.next()
    one.leave()
    expect(await other.next()).toEqual(['progress', expect.stringContaining('Asked for')])
    other.leave()
  })

  test('ends with the service', async () => {
    await http.act(`${COMPANY}/sync`)
    const stream = await watch()
    await stream.next()
    stopping.abort()
    await stream.ended()
    const late = await watch()
    expect((await late.next())[0]).toBe('progress')
    await late.ended()
  })

  test('is one look where very many watch: a browser asks again by itself', async () => {
    await http.act(`${COMPANY}/sync`)
    const watching = await Promise.all(Array.from({ length: 100 }, () => watch()))
    const beyond = await watch()
    expect((await beyond.next())[0]).toBe('progress')
    await beyond.ended()
    for (const stream of watching) stream.leave()
  })

  test('is for those who are signed in, and of companies that there are', async () => {
    const { status, headers } = await http.see(STREAM).set('Cookie', '')
    expect([status, headers['location']]).toEqual([303, `/login?next=${encodeURIComponent(STREAM)}`])
    expect((await http.see('/console/companies/77/progress')).status).toBe(404)
    expect((await http.see('/console/companies/none/progress')).status).toBe(400)
    expect((await http.act(STREAM)).status).toBe(405)
  })

  test('has its place on the pages of a company while there is any', async () => {
    expect((await http.see(COMPANY)).text).not.toContain('data-progress')
    await http.act(`${COMPANY}/sync`)
    const { text } = await http.see(`${COMPANY}/runs`)
    expect(text).toContain(`data-progress="${STREAM}"`)
    expect(textOf(text)).toContain('A sync was asked for')
    await insertRun(http.knex, '1', { status: 'running', finished_at: null })
    expect(textOf((await http.see(COMPANY)).text)).toContain('A sync is under way')
    await insertCompany(http.knex, '2')
    expect((await http.see('/console/companies/2')).text).not.toContain('data-progress')
  })
})

/** Reads on until something is told that looks like it: the looks before may have been a moment too early. */
async function reads(stream: Stream, words: RegExp, name = 'progress'): Promise<void> {
  for (;;) {
    const [told, text] = await stream.next()
    if (told === name && words.test(text)) return
    if (told === 'done') throw new Error(`it ended before it told ${String(words)}`)
  }
}
