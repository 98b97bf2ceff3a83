import { createHash, randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RunAs } from './postgres-binaries.ts'

/** The user `nobody` on every Linux that has one: Postgres refuses to run as root. */
const NOBODY: RunAs = { uid: 65534, gid: 65534 }

/** Where a cluster lives and how to log in to it. */
export interface PostgresHome {
  /** Holds the cluster (`data`), its log, its port and, where needed, a copy of the binaries. */
  readonly folder: string
  readonly password: string
  /** The user Postgres runs as, if not ours. */
  readonly runAs: RunAs | undefined
}

/**
 * Finds or makes the home of the cluster that belongs to `directory`: that folder itself, or, for root, one in the
 * system's temporary directory that Postgres's user can reach. Throws an Error when somebody else's file is in its
 * place.
 */
export async function openPostgresHome(directory: string): Promise<PostgresHome> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const own = await realpath(directory)
  const password = await keepPassword(join(own, 'password'))
  if (process.geteuid?.() !== 0) return { folder: own, password, runAs: undefined }
  // The password ties the name to this very folder: another folder later put in its place gets another cluster.
  const name = createHash('sha256').update(`${own}\0${password}`).digest('hex').slice(0, 16)
  const folder = join(await findReachableTemporaryFolder(), `ledger-mirror-postgres-${name}`)
  await claim(folder)
  return { folder, password, runAs: NOBODY }
}

async function keepPassword(file: string): Promise<string> {
  const kept = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (kept !== undefined) return kept
  const password = randomBytes(24).toString('base64url')
  await writeFile(`${file}-unfinished`, password, { mode: 0o600, flush: true })
  await rename(`${file}-unfinished`, file)
  return password
}

async function findReachableTemporaryFolder(): Promise<string> {
  for (const candidate of [tmpdir(), '/tmp', '/var/tmp']) {
    // A folder that does not exist is no candidate.
    const folder = await realpath(candidate).catch(() => undefined)
    if (folder !== undefined && (await isReachable(folder)) && (await isSafeToShare(folder))) return folder
  }
  throw new Error(
    'Started by root, Postgres must run as another user, and there is no temporary directory that it can reach: ' +
      'set DATABASE_URL, or start as another user',
  )
}

async function isReachable(folder: string): Promise<boolean> {
  const everyoneMayEnter = ((await stat(folder)).mode & 0o001) !== 0
  return everyoneMayEnter && (folder === dirname(folder) || isReachable(dirname(folder)))
}

/** Only its owner can rename what is in it: not writable by others, or sticky. */
async function isSafeToShare(folder: string): Promise<boolean> {
  const { mode } = await stat(folder)
  return (mode & 0o022) === 0 || (mode & 0o1000) !== 0
}

/**
 * Makes the folder, or checks that an existing one is root's: its name is no secret, so somebody may have made it
 * first.
 */
async function claim(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o711 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new Error(`${folder} was not made by root: remove it, or set DATABASE_URL`)
  }
  // Postgres's user may pass through but not list it, even when our umask is stricter.
  await chmod(folder, 0o711)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
