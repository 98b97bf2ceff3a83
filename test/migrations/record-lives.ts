import { createTestDatabase } from '../setup/test-database.ts'
import { beginLife, type LifeOptions } from './life.ts'
import { recordStatements } from './record-statements.ts'
import type { Recording } from './recording.ts'

const APPLICATION = 'a release'
const NEWCOMERS = ['4620816300000000902', '4620816300000000903'] as const

/**
 * Lives a life twice, once for each side of an upgrade, and gives every statement that this code sends over it. Once in
 * a process: what notes the statements stays in place.
 */
export async function recordLives(options: Pick<LifeOptions, 'waitsForHeartbeat'>): Promise<Recording> {
  const { url, drop } = await createTestDatabase()
  const statements = recordStatements(APPLICATION)
  const life = await beginLife({ url, applicationName: APPLICATION, ...options })
  try {
    await life.live(NEWCOMERS[0])
    const before = statements.splice(0)
    await life.live(NEWCOMERS[1])
    return [before, statements]
  } finally {
    await life.close()
    await drop()
  }
}
