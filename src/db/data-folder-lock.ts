import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const SQLITE_BUSY = 5

// Keeps locks from being garbage collected, which would release them.
const held = new Set<DatabaseSync>()

/** Holds a folder until `release` or the end of the process, however it ends. */
export interface DataFolderLock {
  release(): Promise<void>
}

/**
 * Locks a data folder (made when missing) against other processes and against a second lock of this one. Throws an
 * Error that names the process holding it.
 *
 * The lock is SQLite's, on a file that stays empty: the one portable lock in Node that the kernel itself drops when a
 * process dies. A pid file would have to be judged stale or not, and two processes can judge it at once.
 */
export async function lockDataFolder(directory: string): Promise<DataFolderLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const holderFile = join(directory, 'lock-holder')
  const lock = new DatabaseSync(join(directory, 'lock'))
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new Error(`${directory} is in use by ${await readHolder(holderFile)}: stop it first`, {
      cause: error,
    })
  }
  held.add(lock)
  await writeFile(holderFile, String(process.pid), { mode: 0o600 })
  return {
    release: async () => {
      if (!held.delete(lock)) return
      await rm(holderFile, { force: true })
      lock.close()
    },
  }
}

async function readHolder(file: string): Promise<string> {
  // Only for the message: the lock itself decides.
  const pid = await readFile(file, 'utf8').catch(() => '')
  return pid === '' ? 'another process' : `process ${pid}`
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: unknown }).errcode === SQLITE_BUSY
}
