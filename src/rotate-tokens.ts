import './node-version.js'
import { toRotation } from './config.ts'
import { rotateKeys, type Rotated } from './connections/rotate-keys.ts'
import type { EncryptionKey } from './connections/token-cipher.ts'
import { systemClock } from './db/clock.ts'
import { connect } from './db/connect.ts'
import { createDatabase } from './db/database.ts'
import { runProgram } from './run-program.ts'

// Longer than a renewal holds its row, which is as long as Intuit may take to answer.
const STATEMENT_TIMEOUT_MS = 20_000

/** Encrypts the tokens in the database at DATABASE_URL with the first key of TOKEN_ENCRYPTION_KEYS. */
async function rotate({ keys, ...database }: ReturnType<typeof toRotation>): Promise<void> {
  const knex = connect({
    ...database,
    poolMax: 1,
    applicationName: 'ledger-mirror tokens:rotate',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  try {
    const rotated = await rotateKeys(createDatabase(knex, systemClock()), keys)
    process.stdout.write(`${tell(rotated, keys)}\n`)
    if (rotated.unreadable.length > 0) process.exitCode = 1
  } finally {
    await knex.destroy()
  }
}

function tell({ connections, unreadable }: Rotated, [newest, ...older]: readonly EncryptionKey[]): string {
  const done = `Encrypted anew with key "${newest!.id}": ${connections} ${connections === 1 ? 'connection' : 'connections'}.`
  if (unreadable.length > 0)
    return [done, 'Left as they were:', ...unreadable.map((line) => `  ${line}`)].join('\n')
  if (older.length === 0) return done
  const names = older.map(({ id }) => `"${id}"`).join(', ')
  return connections === 0
    ? `${done} No token needs ${names} any more: take what is old out of TOKEN_ENCRYPTION_KEYS and start the service again.`
    : `${done} Run this again once every process has been started with "${newest!.id}" first: when nothing is left to do, the old keys may go.`
}

await runProgram(toRotation, rotate)
