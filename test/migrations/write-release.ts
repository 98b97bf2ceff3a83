import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MIGRATIONS_DIRECTORY } from '../../src/db/migrate.ts'
import { writeRecording, type Recording } from './recording.ts'
import { readRelease, type Release } from './releases.ts'
import { upgradeUnder } from './upgrade.ts'

/**
 * Makes a release's folder, writes it, reads it again and sends what it holds on a schema that stays as it is. What
 * cannot be replayed there would fail after every upgrade: then this throws and leaves no folder.
 */
export async function writeRelease(folder: string, recording: Recording): Promise<Release> {
  await mkdir(dirname(folder), { recursive: true })
  // Not one that is there already: what was released stays.
  await mkdir(folder)
  try {
    await writeRecording(join(folder, 'statements.jsonl.gz'), recording)
    const migrations = await checksums()
    await writeFile(join(folder, 'release.json'), `${JSON.stringify({ migrations }, null, 2)}\n`)
    const release = await readRelease(folder)
    await upgradeUnder(release, () => Promise.resolve())
    return release
  } catch (error) {
    await rm(folder, { recursive: true })
    throw error
  }
}

async function checksums(): Promise<Record<string, string>> {
  const files = (await readdir(MIGRATIONS_DIRECTORY)).sort()
  const sums = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(MIGRATIONS_DIRECTORY, name))
      return [name, createHash('sha256').update(text).digest('hex')] as const
    }),
  )
  return Object.fromEntries(sums)
}
