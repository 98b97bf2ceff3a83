/** What a request asked for, in the words of the API. */
export const DATA_OPERATIONS = ['query', 'cdc', 'read', 'companyinfo', 'preferences', 'batch'] as const
export type Operation =
  (typeof DATA_OPERATIONS)[number] | 'token' | 'revoke' | 'authorize' | 'write' | 'unknown'

export interface Call {
  atMs: number
  realmId: string | null
  operation: Operation
  /** Canonical name; of a CDC request the list as it was asked for. */
  entity: string | null
  method: string
  path: string
  /** The statement of a query, decoded; of CDC its `changedSince`; of a token call its grant type. */
  query: string | null
  /** Null until an answer went out, and for good when none did. */
  status: number | null
  /** Whether it counts against the monthly quota: a data-out call that was answered with 2xx. */
  metered: boolean
  intuitTid: string
}

export interface CallLog {
  list(): Call[]
  clear(): void
  meteredCount(realmId?: string): number
}

export interface CallRecorder extends CallLog {
  /** Calls of a company taken up since the start, cleared ones included. */
  total(realmId: string | null): number
  begin(call: Omit<Call, 'status' | 'metered'>): Call
  answered(call: Call, status: number): void
}

/** Enough for a test and for an afternoon of looking; the counts go on. */
const KEPT_CALLS = 20_000

export function createCallLog(): CallRecorder {
  let calls: Call[] = []
  const totals = new Map<string | null, number>()
  const metered = new Map<string, number>()
  const total = (realmId: string | null) => totals.get(realmId) ?? 0
  const begin = (call: Omit<Call, 'status' | 'metered'>) => {
    const begun = { ...call, status: null, metered: false }
    calls.push(begun)
    totals.set(call.realmId, total(call.realmId) + 1)
    if (calls.length > KEPT_CALLS) calls = calls.slice(KEPT_CALLS / 2)
    return begun
  }
  const answered = (call: Call, status: number) => {
    call.status = status
    call.metered =
      status >= 200 && status < 300 && (DATA_OPERATIONS as readonly string[]).includes(call.operation)
    if (call.metered && call.realmId !== null) metered.set(call.realmId, (metered.get(call.realmId) ?? 0) + 1)
  }
  const clear = () => {
    calls = []
    metered.clear()
  }
  const meteredCount = (realmId?: string) =>
    realmId === undefined
      ? [...metered.values()].reduce((sum, count) => sum + count, 0)
      : (metered.get(realmId) ?? 0)
  return { begin, answered, clear, meteredCount, total, list: () => [...calls] }
}
