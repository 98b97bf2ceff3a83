import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

// What Linux counts in /proc: hundredths of a second, on every machine that Node runs on.
const TICKS_PER_SECOND = 100

/**
 * CPU seconds, user and system, that a Postgres server has used, all its sessions together, those that ended too.
 * Unlike the clock on the wall it hardly minds what else the machine does. NaN where there is no /proc.
 */
export async function postgresCpuSeconds(dataDirectory: string): Promise<number> {
  try {
    const server = Number((await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0])
    const own = await readStat(server)
    const sessions = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
    const stats = await Promise.all(sessions.map((pid) => readStat(pid).catch(() => null)))
    const living = stats.filter((stat) => stat?.parent === server).reduce((sum, stat) => sum + stat!.own, 0)
    return (own.own + own.ofEndedChildren + living) / TICKS_PER_SECOND
  } catch {
    return NaN
  }
}

/** CPU seconds, user and system, of this process. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** The fields of proc(5) that count: after the name, which stands in brackets and may hold anything. */
async function readStat(pid: number): Promise<{ parent: number; own: number; ofEndedChildren: number }> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [, parent = NaN] = fields
  const [userTicks = NaN, systemTicks = NaN, childrenUser = NaN, childrenSystem = NaN] = fields.slice(11)
  return { parent, own: userTicks + systemTicks, ofEndedChildren: childrenUser + childrenSystem }
}
