import { PassThrough } from 'node:stream'
import { createLog } from '../../src/log.ts'
import type { CompanyReader } from '../../src/quickbooks/quickbooks.ts'
import { createTestClock, type TestClock } from '../setup/clock.ts'
import { startMirror, type TestMirror } from '../setup/mirror.ts'

/** What all episodes share: one simulator, one database, two clocks that need not agree. */
export interface World {
  readonly mirror: TestMirror
  /** Our own clock: may step while QuickBooks' goes on. */
  readonly ourClock: TestClock
  /** Called around every call of a run: business goes on meanwhile, or a run stands still. */
  between: (realmId: string) => void | Promise<void>
  close(): Promise<void>
}

export async function createWorld(): Promise<World> {
  const ourClock = createTestClock()
  const world: World = {
    between: () => undefined,
    ourClock,
    mirror: await startMirror({
      companies: [],
      ourClock,
      callTimeoutMs: 2_000,
      log: createLog({
        level: 'error',
        format: 'pretty',
        secrets: () => [],
        stream: new PassThrough().resume(),
      }),
      wrapReader: (reader, { realmId }) => interrupted(reader, () => world.between(realmId)),
    }),
    close: () => world.mirror.close(),
  }
  return world
}

function interrupted(reader: CompanyReader, between: () => void | Promise<void>): CompanyReader {
  const around = <Parameters extends unknown[], Result>(
    call: (...parameters: Parameters) => Promise<Result>,
  ) => {
    return async (...parameters: Parameters): Promise<Result> => {
      const result = await call(...parameters)
      await between()
      return result
    }
  }
  return {
    companyInfo: around(reader.companyInfo),
    preferences: around(reader.preferences),
    changes: around(reader.changes),
    listPage: around(reader.listPage),
    count: around(reader.count),
    byIds: around(reader.byIds),
  }
}
