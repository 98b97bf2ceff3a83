import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { execFile, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'
import { findPostgresProcess } from '../../src/db/postgres-process.ts'
import { startChild } from '../setup/child-process.ts'

// Durability is Postgres's own matter; only the tests that kill the server leave it on.
const FAST = { fsync: 'off' }
const AS_ROOT = process.geteuid?.() === 0
const POSTGRES_USER = AS_ROOT ? { uid: 65534, gid: 65534 } : {}

async function ask(url: string, sql: string): Promise<Record<string, unknown> | undefined> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows[0]
  } finally {
    await client.end()
  }
}

async function remove(directory: string, postgres: EmbeddedPostgres | undefined): Promise<void> {
  await postgres?.stop()
  if (postgres !== undefined) await rm(postgres.directory, { recursive: true, force: true })
  await rm(directory, { recursive: true, force: true })
}

describe('an embedded Postgres', () => {
  let directory = ''
  let postgres: EmbeddedPostgres | undefined

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'embedded-postgres-'))
  })

  afterAll(() => remove(directory, postgres))

  async function start(
    settings: Record<string, string> = FAST,
    log: (message: string) => void = () => {},
  ): Promise<EmbeddedPostgres> {
    postgres = await startEmbeddedPostgres({ directory, settings, log })
    return postgres
  }

  /** Waits until the server is in that state, or gone. */
  async function seen({ directory: home }: EmbeddedPostgres, state: string | undefined): Promise<void> {
    while ((await findPostgresProcess(join(home, 'data')))?.state !== state);
  }

  async function pidOf({ directory: home }: EmbeddedPostgres): Promise<number> {
    const server = await findPostgresProcess(join(home, 'data'))
    if (server === undefined) throw new Error(`no server on ${home}`)
    return server.pid
  }

  test('is made at the first start, over what a start cut short has left', async () => {
    const first = await start()
    await remove('', first)
    await mkdir(join(first.directory, 'data-unfinished-killed', 'base'), { recursive: true, mode: 0o700 })

    const { adopted, url } = await start()

    expect(adopted).toBe(false)
    expect(await ask(url, `SELECT version() AS version`)).toMatchObject({
      version: expect.stringContaining('PostgreSQL 18'),
    })
    const left = (await readdir(first.directory)).filter((name) => name.includes('unfinished'))
    expect(left).toEqual([])
  })

  test('lets in nobody without its password, over loopback alone', async () => {
    const { url } = await start()
    const wrong = new URL(url)
    wrong.password = 'guessed'
    await expect(ask(wrong.toString(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    expect(
      await ask(
        url,
        `SELECT current_setting('listen_addresses') AS listening, current_setting('unix_socket_directories') AS sockets`,
      ),
    ).toEqual({ listening: '127.0.0.1', sockets: '' })
    expect((await lstat(join(directory, 'password'))).mode & 0o777).toBe(0o600)
  })

  test('keeps cluster, password and port from one start to the next, and takes the settings it is given', async () => {
    const first = await start()
    await ask(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()

    const second = await start({ ...FAST, work_mem: '7MB' })

    expect(second).toMatchObject({ adopted: false, url: first.url, directory: first.directory })
    expect(await ask(second.url, `SELECT answer, current_setting('work_mem') AS memory FROM kept`)).toEqual({
      answer: 42,
      memory: '7MB',
    })
  })

  test('is gone after a stop, connected clients or not, and a second stop is harmless', async () => {
    const { url, directory: home, stop } = await start()
    const client = new pg.Client({ connectionString: url })
    const ended = new Promise((resolve) => client.once('end', resolve))
    client.on('error', () => {})
    await client.connect()
    await stop()
    await ended
    expect(await findPostgresProcess(join(home, 'data'))).toBeUndefined()
    await expect(ask(url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await stop()
  })

  test('takes another port when somebody else has its own, unless the port was asked for', async () => {
    const { url, stop } = await start()
    await stop()
    const squatter = createServer()
    const port = Number(new URL(url).port)
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve))

    await expect(startEmbeddedPostgres({ directory, settings: FAST, port })).rejects.toThrow(
      /Address already in use/,
    )
    const moved = await start()
    expect(new URL(moved.url).port).not.toBe(String(port))
    expect(await ask(moved.url, 'SELECT answer FROM kept')).toEqual({ answer: 42 })

    await moved.stop()
    await new Promise((resolve) => squatter.close(resolve))
    expect((await start()).url).toBe(moved.url)
  })

  test('is adopted when the process that started it was killed', async () => {
    await postgres?.stop()
    const child = startChild(new URL('start-embedded-postgres.ts', import.meta.url), [directory])
    const url = await child.hear()
    await child.kill()

    const adopter = await start()

    expect(adopter).toMatchObject({ adopted: true, url })
    expect(await ask(adopter.url, 'SELECT answer FROM kept')).toEqual({ answer: 42 })
    await adopter.stop()
    expect(await findPostgresProcess(join(adopter.directory, 'data'))).toBeUndefined()
  })

  test('recovers when the server itself was killed', async () => {
    const durable = await start({})
    await ask(durable.url, 'CREATE TABLE written AS SELECT 1 AS row')
    process.kill(await pidOf(durable), 'SIGKILL')
    await seen(durable, undefined)

    const recovered = await start()
    expect(recovered.adopted).toBe(false)
    expect(await ask(recovered.url, 'SELECT row FROM written')).toEqual({ row: 1 })
  })

  test('starts over a pid file whose number belongs to another process by now', async () => {
    const before = await start()
    const pidFile = join(before.directory, 'data', 'postmaster.pid')
    const lines = (await readFile(pidFile, 'utf8')).split('\n')
    await before.stop()
    // Of the same user: one that it may not signal Postgres itself takes for dead.
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore', ...POSTGRES_USER })
    await writeFile(pidFile, [String(bystander.pid), ...lines.slice(1)].join('\n'))

    const after = await start()
    expect(after.adopted).toBe(false)
    expect(await ask(after.url, 'SELECT 1 AS one')).toEqual({ one: 1 })
    bystander.kill()
  })

  test('waits for a server that is about to end, and does not take it for one to adopt', async () => {
    const before = await start()
    const client = new pg.Client({ connectionString: before.url })
    await client.connect()
    // Asked like this it waits for its clients to go.
    process.kill(await pidOf(before), 'SIGTERM')
    await seen(before, 'stopping')
    let noticed: (message: string) => void = () => {}
    const waiting = new Promise<string>((resolve) => (noticed = resolve))
    const starting = start(FAST, noticed)
    expect(await Promise.race([waiting, starting])).toMatch(
      /^waiting for the Postgres on .*, which is stopping$/,
    )
    await client.end()

    const after = await starting
    expect(after.adopted).toBe(false)
    expect(await ask(after.url, 'SELECT 1 AS one')).toEqual({ one: 1 })
  })

  test('says what Postgres itself says when it will not start', async () => {
    await postgres?.stop()
    await expect(start({ work_mem: 'plenty' })).rejects.toThrow(
      /invalid value for parameter "work_mem": "plenty"/,
    )
  })

  test('runs as nobody when root starts it, else as who starts it, and lets nobody else into its files', async () => {
    const started = await start()
    const user = AS_ROOT ? 65534 : process.geteuid?.()
    const { stdout } = await promisify(execFile)('ps', ['-o', 'uid=', '-p', String(await pidOf(started))])
    expect(Number(stdout)).toBe(user)
    expect(await lstat(started.directory)).toMatchObject({
      uid: process.geteuid?.(),
      mode: AS_ROOT ? 0o40711 : 0o40700,
    })
    expect(await lstat(join(started.directory, 'data'))).toMatchObject({ uid: user, mode: 0o40700 })
    expect((await lstat(join(started.directory, 'server.log'))).mode).toBe(0o100600)
  })

  const whenRoot = AS_ROOT ? test : test.skip

  whenRoot(
    'started by root refuses a folder or link that somebody else has put in the place of its own',
    async () => {
      const { directory: home, stop } = await start()
      await stop()
      await chown(home, 65534, 65534)
      await expect(start()).rejects.toThrow('was not made by root')
      await chown(home, 0, 0)
      await rename(home, `${home}-aside`)
      await symlink(`${home}-aside`, home)
      await expect(start()).rejects.toThrow('was not made by root')
      await rm(home)
      await rename(`${home}-aside`, home)
      expect((await start()).directory).toBe(home)
    },
  )
})
