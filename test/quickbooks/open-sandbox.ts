import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts'
import {
  openQuickBooks,
  openCompany,
  CLIENT_ID,
  CLIENT_SECRET,
  REALM,
  type OpenCompany,
} from './open-company.ts'
import type { CompanyAccess, QuickBooks, QuickBooksOptions } from '../../src/quickbooks/quickbooks.ts'

export interface OpenSandbox extends OpenCompany {
  readonly sandbox: Sandbox
  readonly quickBooks: QuickBooks
  /** Another reader of the same company. */
  open(access?: Partial<CompanyAccess>): OpenCompany
  close(): Promise<void>
}

/** The simulator's day; tests that need another moment move it. */
export const SANDBOX_NOW_MS = Date.parse('2026-11-22T15:15:00Z')

/** One company in the simulator, read with a token that the simulator gave out. */
export async function openSandbox(
  options: {
    readonly records?: number
    readonly now?: () => number
    readonly quickBooks?: Partial<QuickBooksOptions>
  } = {},
): Promise<OpenSandbox> {
  const sandbox = await startSandbox({
    port: 0,
    directory: null,
    now: options.now ?? (() => SANDBOX_NOW_MS),
    seed: 7,
    companies: [
      {
        realmId: REALM,
        name: 'Harbour Books',
        records: options.records ?? 60,
        homeCurrency: 'USD',
        multiCurrency: true,
        country: 'USA',
        lively: false,
      },
    ],
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    activityIntervalMs: null,
  })
  const quickBooks = openQuickBooks(sandbox, options.quickBooks)
  const refresh = async () => {
    const refreshToken = sandbox.companies()[0]?.refreshToken ?? ''
    return (await quickBooks.refreshTokens(refreshToken)).accessToken
  }
  let accessToken = await refresh()
  const open = (access: Partial<CompanyAccess> = {}) =>
    openCompany(quickBooks, {
      accessToken: () => Promise.resolve(accessToken),
      renewAccessToken: async () => (accessToken = await refresh()),
      ...access,
    })
  sandbox.calls.clear()
  return {
    ...open(),
    sandbox,
    quickBooks,
    open,
    close: async () => {
      quickBooks.close()
      await sandbox.stop()
    },
  }
}
