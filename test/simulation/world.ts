import { PassThrough } from 'node:stream'
import { toLedgerError } from '../../src/domain/ledger-error.ts'
import { createLog } from '../../src/log.ts'
import type { CompanyReader, TokenSet } from '../../src/quickbooks/quickbooks.ts'
import { createTestClock, type TestClock } from '../setup/clock.ts'
import { startMirror, type ProcessSettings, type TestMirror, type TestProcess } from '../setup/mirror.ts'
import { createMet, type Met } from './met.ts'

/** What happens between a run and its answers; one that is left out does nothing. */
export interface Disturbance {
  /** After every answer: business goes on meanwhile, or the run stands still. */
  readonly between?: (realmId: string) => void | Promise<void>
  /** Gives the answer to a question of a run, the true one or another. */
  readonly answer?: <Result>(realmId: string, question: string, ask: () => Promise<Result>) => Promise<Result>
}

/** What all episodes share: one simulator, one database, two clocks that need not agree. */
export interface World {
  readonly mirror: TestMirror
  /** Our own clock: may step while QuickBooks' goes on. */
  readonly ourClock: TestClock
  readonly met: Met
  /** When Intuit last changed the refresh token of a company, as far as a refresh showed. */
  readonly rotatedAt: ReadonlyMap<string, Date>
  /** Sets both clocks to one moment. */
  setClocks(to: Date): void
  disturb(by: Disturbance): void
  undisturb(): void
  isDisturbed(): boolean
  /** One more process of the same service, watched like the first. */
  startProcess(settings: ProcessSettings): TestProcess
  close(): Promise<void>
}

export async function createWorld(met: Met = createMet()): Promise<World> {
  const ourClock = createTestClock()
  const rotatedAt = new Map<string, Date>()
  const refreshTokens = new Map<string, string>()
  let disturbance: Disturbance | null = null

  const seeRotation = async (refresh: () => Promise<TokenSet>) => {
    try {
      return await refresh()
    } finally {
      for (const { realmId, refreshToken } of mirror.sandbox.companies()) {
        if (refreshTokens.get(realmId) !== refreshToken) rotatedAt.set(realmId, mirror.clock.now())
        refreshTokens.set(realmId, refreshToken)
      }
    }
  }
  const watch = (reader: CompanyReader, realmId: string) =>
    interrupted(reader, async (question, ask) => {
      const result = await (disturbance?.answer?.(realmId, question, ask) ?? ask()).catch(
        (error: unknown) => {
          met.note('code', toLedgerError(error).code)
          throw error
        },
      )
      await disturbance?.between?.(realmId)
      return result
    })
  const watched = (settings: ProcessSettings): ProcessSettings => ({
    ...settings,
    wrapReader: (reader, access) => watch(settings.wrapReader?.(reader, access) ?? reader, access.realmId),
    // What the process does not survive to see, Intuit has done all the same.
    wrapRefresh: (refresh) => (settings.wrapRefresh ?? ((plain) => plain()))(() => seeRotation(refresh)),
  })
  const mirror: TestMirror = await startMirror({
    ...watched({}),
    companies: [],
    ourClock,
    callTimeoutMs: 10_000,
    log: createLog({
      level: 'error',
      format: 'pretty',
      secrets: () => [],
      stream: new PassThrough().resume(),
    }),
  })
  return {
    mirror,
    ourClock,
    met,
    rotatedAt,
    setClocks(to) {
      for (const clock of [ourClock, mirror.clock]) clock.move({ ms: to.getTime() - clock.now().getTime() })
    },
    disturb: (by) => (disturbance = by),
    undisturb: () => (disturbance = null),
    isDisturbed: () => disturbance !== null,
    startProcess: (settings) => mirror.startProcess(watched(settings)),
    close: () => mirror.close(),
  }
}

function interrupted(
  reader: CompanyReader,
  around: <Result>(question: string, ask: () => Promise<Result>) => Promise<Result>,
): CompanyReader {
  const asked = <Parameters extends unknown[], Result>(
    name: keyof CompanyReader,
    call: (...parameters: Parameters) => Promise<Result>,
  ) => {
    return (...parameters: Parameters): Promise<Result> =>
      around(`${name} ${JSON.stringify(parameters)}`, () => call(...parameters))
  }
  return {
    companyInfo: asked('companyInfo', reader.companyInfo),
    preferences: asked('preferences', reader.preferences),
    changes: asked('changes', reader.changes),
    listPage: asked('listPage', reader.listPage),
    count: asked('count', reader.count),
    byIds: asked('byIds', reader.byIds),
  }
}
