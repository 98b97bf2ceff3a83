import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { startSandbox } from '../../src/sandbox/sandbox.ts'

test('two simulators never write the same books, and the second says who does', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ledger-mirror-sandbox-'))
  const start = (port = 0, folder: string | null = directory) =>
    startSandbox({
      port,
      directory: folder,
      now: () => Date.UTC(2026, 10, 2),
      seed: 1,
      companies: [],
      clientId: 'id',
      clientSecret: 'secret',
      activityIntervalMs: null,
    })
  const first = await start()
  await expect(start()).rejects.toThrow(`${directory} is in use by process ${process.pid}: stop it first`)
  const taken = Number(new URL(first.url).port)
  await first.stop()
  // One that could not listen leaves the folder to others.
  const other = await start(taken, null)
  await expect(start(taken)).rejects.toThrow('EADDRINUSE')
  await other.stop()
  await (await start()).stop()
  await rm(directory, { recursive: true })
})
