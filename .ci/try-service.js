// Starts the service as a newcomer does, and looks at it from outside. Plain JavaScript: it runs on Node 20.
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, readlink, realpath, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const ROOT = join(import.meta.dirname, '..')
const NOT_COPIED = ['node_modules', '.git', '.data', 'coverage']

// Seconds are enough; a machine shared with others has needed a minute.
const PATIENCE_SECONDS = 300
// What the service promises.
const STOP_SECONDS = 10

const folder = await realpath(await mkdtemp(join(tmpdir(), 'ledger-mirror-ci-')))
const logFile = join(folder, 'service.log')
const clone = join(folder, 'clone')
let service

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => void cleanUp().then(() => process.exit(1)))

try {
  await startService()
  const welcome = await until('it says where it is', readWelcome)
  const { base, token } = welcome
  await until('its pages open', () => openPages(welcome))
  await until('a sync run has succeeded', () => findSucceededRun(base, token))
  await until('its metrics tell of it', () => findRunInMetrics(base))
  await interrupt()
} catch (error) {
  say(`FAILED: ${error.message}`)
  say(`The end of what the service wrote:\n${(await readLog()).slice(-8000)}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}

/** Of a copy, so that the clone's own data folder is neither used nor made. */
async function startService() {
  const filter = (path) => !NOT_COPIED.includes(basename(path))
  await cp(ROOT, clone, { recursive: true, filter })
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  const port = await findFreePort()
  say(`starting it on port ${port}, with nothing else configured`)
  service = spawn('npm', ['start'], {
    cwd: clone,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port) },
    // A process group of its own, to be interrupted as a terminal does it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = createWriteStream(logFile)
  service.stdout.pipe(log)
  service.stderr.pipe(log)
}

async function readWelcome() {
  const text = await readLog()
  const address = /^Open: (\S+)$/m.exec(text)?.[1]
  const token = /^Admin token: (\S+)$/m.exec(text)?.[1]
  return address && token ? { address, base: new URL(address).origin, token } : undefined
}

/** The address signs a browser in and leads to the pages. */
async function openPages({ address, base }) {
  const signedIn = await fetch(address, { redirect: 'manual' })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const response = await fetch(`${base}/console`, { headers: { cookie }, redirect: 'manual' })
  if (!response.ok) throw new Error(`/console answers ${response.status} to whoever opened ${address}`)
  return /<h1>(.*?)<\/h1>/.exec(await response.text())?.[1]
}

async function findSucceededRun(base, token) {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${base}/admin/sync/runs?status=succeeded`, { headers })
  if (!response.ok) throw new Error(`/admin/sync/runs answers ${response.status}`)
  const { data } = await response.json()
  return data[0]
}

async function findRunInMetrics(base) {
  const response = await fetch(`${base}/metrics`)
  if (!response.ok) throw new Error(`/metrics answers ${response.status}`)
  return /^ledger_sync_runs_total\{.*status="succeeded".*\} [1-9]/m.exec(await response.text())?.[0]
}

async function interrupt() {
  const started = process.hrtime.bigint()
  process.kill(-service.pid, 'SIGINT')
  for (;;) {
    const left = await findProcesses()
    const seconds = Number(process.hrtime.bigint() - started) / 1e9
    if (left.length === 0) return say(`interrupted, it was gone after ${seconds.toFixed(1)} s`)
    if (seconds > STOP_SECONDS)
      throw new Error(`${STOP_SECONDS} s after Ctrl-C, still there: ${left.join(', ')}`)
    await wait(50)
  }
}

async function until(what, look) {
  for (let second = 0; second < PATIENCE_SECONDS; second++) {
    const found = await look()
    if (found !== undefined) {
      say(`${what} (after ${second} s)`)
      return found
    }
    if (service.exitCode !== null) throw new Error(`it ended with ${service.exitCode} before ${what}`)
    if (second % 10 === 9) say(`waiting until ${what}`)
    await wait(1000)
  }
  throw new Error(`not within ${PATIENCE_SECONDS} s: ${what}`)
}

async function readLog() {
  return readFile(logFile, 'utf8').catch(() => '')
}

/** Where its Postgres lives: elsewhere than in its data folder when root starts it. */
async function findCluster() {
  return /making a Postgres cluster in (.+)/.exec(await readLog())?.[1] ?? clone
}

/** The service's processes: those that work in its folder or in that of its Postgres. */
async function findProcesses() {
  const folders = [clone, await findCluster()]
  const left = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const directory = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (folders.some((folder) => directory.startsWith(folder))) left.push(Number(pid))
  }
  return left
}

async function cleanUp() {
  for (;;) {
    const left = await findProcesses()
    if (left.length === 0) break
    for (const pid of left) kill(pid)
    await wait(50)
  }
  await rm(await findCluster(), { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone by itself.
  }
}

async function findFreePort() {
  const probe = createServer()
  await new Promise((resolve) => probe.listen(0, resolve))
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return port
}

function say(text) {
  process.stdout.write(`${text}\n`)
}
