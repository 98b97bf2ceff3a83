import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'

// Linux keeps what is in here in memory.
const MEMORY_FOLDER = '/dev/shm'

// Two workers' databases, the clusters of services under test with copies of their binaries, and the benches came to a
// third of a gigabyte; the rest is for the machine, which has this memory only once.
const NEEDED_BYTES = 8 * 2 ** 30

/**
 * Lets temporary files of the tests live in memory, where there is enough of it: copying the migrated database, which
 * hundreds of tests do, makes a thousand files, and takes a disk ten times as long. A folder that was asked for by
 * TMPDIR is kept.
 */
export function useMemory(): void {
  if (process.env.TMPDIR === undefined && isSuitable()) process.env.TMPDIR = MEMORY_FOLDER
}

function isSuitable(): boolean {
  try {
    accessSync(MEMORY_FOLDER, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER)
    return bavail * bsize >= NEEDED_BYTES && freemem() >= NEEDED_BYTES && runsPrograms()
  } catch {
    return false
  }
}

/** Postgres started by root has its binaries beside its data, and containers forbid to run what is in memory. */
function runsPrograms(): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const options = mounts.find(([, folder]) => folder === MEMORY_FOLDER)?.[3]
  return options !== undefined && !options.split(',').includes('noexec')
}
