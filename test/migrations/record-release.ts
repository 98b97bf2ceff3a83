import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { VERSION } from '../../src/version.ts'
import startPostgres, { removePostgres } from '../setup/start-postgres.ts'
import { recordLives } from './record-lives.ts'
import type { Recording, Statement } from './recording.ts'
import { RELEASED } from './releases.ts'
import { writeRelease } from './write-release.ts'

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
    const { recording } = await writeRelease(folder, await recordLives({ waitsForHeartbeat: true }))
    report(recording)
  } finally {
    if (globalThis.testPostgres !== undefined) await removePostgres(globalThis.testPostgres)
  }
}

/** What is sent before an upgrade alone is not known to work after it. */
function report([before, after]: Recording): void {
  const texts = (statements: readonly Statement[]) => new Set(statements.map(({ text }) => text))
  const missing = [...texts(before)].filter((text) => !texts(after).has(text))
  process.stdout.write(
    `${VERSION}: ${before.length} + ${after.length} statements, ${texts(after).size} different ones, replayed\n` +
      missing.map((text) => `Sent only before the upgrade: ${text}\n`).join(''),
  )
}

await main(resolve(process.argv[2] ?? RELEASED))
// Timers of ours may outlive the life that they served.
process.exit()
