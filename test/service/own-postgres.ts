import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'

/** A Postgres that a test may take away and bring back, at the same address and with what it held. */
export interface OwnPostgres {
  readonly url: string
  stop(): Promise<void>
  start(): Promise<void>
  remove(): Promise<void>
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'ledger-mirror-own-postgres-'))
  // Stopped in an orderly way, it keeps what it held without.
  const start = () => startEmbeddedPostgres({ directory, settings: { fsync: 'off' } })
  let postgres = await start()
  return {
    url: postgres.url,
    stop: () => postgres.stop(),
    async start() {
      postgres = await start()
    },
    async remove() {
      await postgres.stop()
      await rm(postgres.directory, { recursive: true, force: true })
      await rm(directory, { recursive: true, force: true })
    },
  }
}
