import { execFile } from 'node:child_process'
import { readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What a server says about itself in its cluster. */
export interface PostgresProcess {
  readonly pid: number
  readonly state: 'starting' | 'ready' | 'stopping'
  /** Unknown in the first moments of a start. */
  readonly port: number | undefined
}

/**
 * The server running on the cluster in `data` (a real path), if any. Postgres's pid file alone does not prove it: it
 * stays behind when the server is killed, and the pid may since belong to anything.
 */
export async function findPostgresProcess(data: string): Promise<PostgresProcess | undefined> {
  // A missing or unreadable file names no server; Postgres' own lock would refuse a second one.
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  // Lines: pid, data directory, start time, port, socket folder, listen address, shared memory, state.
  const lines = text.split('\n').map((line) => line.trim())
  const pid = Number(lines[0])
  if (!Number.isSafeInteger(pid) || pid <= 0 || !(await isServerOf(data, pid))) return undefined
  return { pid, state: toState(lines[7]), port: lines[3] ? Number(lines[3]) : undefined }
}

/** Whether the process `pid` lives and is a server that works on the cluster in `data`. */
export async function isServerOf(data: string, pid: number): Promise<boolean> {
  if (await stat('/proc/self').catch(() => undefined)) {
    // A server's working directory is its data directory. A zombie process has no link to read.
    const workingDirectory = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
    return workingDirectory === data
  }
  // ps fails when there is no such process.
  const listed = await promisify(execFile)('ps', ['-p', String(pid), '-o', 'command=']).catch(() => undefined)
  return listed?.stdout.includes(`-D ${data}`) ?? false
}

function toState(line: string | undefined): PostgresProcess['state'] {
  if (line === 'ready' || line === 'stopping') return line
  return 'starting'
}
