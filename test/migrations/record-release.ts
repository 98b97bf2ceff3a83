import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MIGRATIONS_DIRECTORY } from '../../src/db/migrate.ts'
import { VERSION } from '../../src/version.ts'
import startPostgres, { removePostgres } from '../setup/start-postgres.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { beginLife } from './life.ts'
import { recordStatements } from './record-statements.ts'
import { writeRecording, type Statement } from './recording.ts'

const APPLICATION = 'a release'
const NEWCOMERS = ['4620816300000000902', '4620816300000000903'] as const

/**
 * Records the release that this code is: its migrations with their checksums, and every statement that its code sends
 * over a life lived twice, once for each side of an upgrade. To be run where the release's tag is checked out; the
 * folder to write into may be another checkout's.
 */
async function main(into: string): Promise<void> {
  const folder = join(into, VERSION)
  // What was released stays as it was recorded.
  if (existsSync(folder)) throw new Error(`${folder} is there already: raise the version, or remove it first`)
  await startPostgres()
  try {
    const { url, drop } = await createTestDatabase()
    const statements = recordStatements(APPLICATION)
    const life = await beginLife(url, APPLICATION)
    await life.live(NEWCOMERS[0])
    const before = statements.splice(0)
    await life.live(NEWCOMERS[1])
    await life.close()
    await drop()
    await mkdir(folder, { recursive: true })
    await writeRecording(join(folder, 'statements.jsonl.gz'), [before, statements])
    const migrations = await checksums()
    await writeFile(join(folder, 'release.json'), `${JSON.stringify({ migrations }, null, 2)}\n`)
    report(before, statements)
  } finally {
    if (globalThis.testPostgres !== undefined) await removePostgres(globalThis.testPostgres)
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

/** What is sent before an upgrade alone is not known to work after it. */
function report(before: readonly Statement[], after: readonly Statement[]): void {
  const texts = (statements: readonly Statement[]) => new Set(statements.map(({ text }) => text))
  const missing = [...texts(before)].filter((text) => !texts(after).has(text))
  process.stdout.write(
    `${VERSION}: ${before.length} + ${after.length} statements, ${texts(after).size} different ones\n` +
      missing.map((text) => `Sent only before the upgrade: ${text}\n`).join(''),
  )
}

const RELEASED = fileURLToPath(new URL('released', import.meta.url))
await main(resolve(process.argv[2] ?? RELEASED))
// Timers of ours may outlive the life that they served.
process.exit()
