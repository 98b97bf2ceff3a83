import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A copy of parts of the project, to be changed, or to be filled with a data folder of its own. */
export interface Workplace {
  readonly directory: string
  remove(): Promise<void>
}

export async function createWorkplace(names: readonly string[]): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'ledger-mirror-workplace-'))
  for (const name of names) await cp(join(ROOT, name), join(directory, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) }
}
