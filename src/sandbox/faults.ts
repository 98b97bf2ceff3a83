import { DATA_OPERATIONS } from './call-log.ts'
import type { Call, Operation } from './call-log.ts'
import { FAULT_ANSWERS, TOKEN_FAULT_ANSWERS } from './fault-answers.ts'

/** Faults of the connection, and the switch that enforces Intuit's limits. */
const WIRE_KINDS = ['connectionReset', 'connectionResetMidBody', 'truncatedJson', 'hang', 'slow'] as const
const TOKEN_WIRE_KINDS = ['tokenHang', 'tokenLostResponse'] as const
const QUERY_KINDS = ['limitPlusOne', 'shortPage', 'scrambleTies'] as const
const CONTENT_KINDS = ['poisonedRecord', 'groupFault', 'staleRead', 'enforceLimits'] as const

export type FaultKind =
  | keyof typeof FAULT_ANSWERS
  | keyof typeof TOKEN_FAULT_ANSWERS
  | (typeof WIRE_KINDS | typeof TOKEN_WIRE_KINDS | typeof QUERY_KINDS | typeof CONTENT_KINDS)[number]

export const FAULT_KINDS = [
  ...Object.keys(FAULT_ANSWERS),
  ...Object.keys(TOKEN_FAULT_ANSWERS),
  ...WIRE_KINDS,
  ...TOKEN_WIRE_KINDS,
  ...QUERY_KINDS,
  ...CONTENT_KINDS,
] as FaultKind[]

/** What each kind does and takes, a line for those that are alike. */
export function describeFaults(): string {
  return [
    describeKinds('the whole answer to a data call', Object.keys(FAULT_ANSWERS)),
    describeKinds('the whole answer of the token server', Object.keys(TOKEN_FAULT_ANSWERS)),
    describeKinds('the connection; slow takes "delayMs"', WIRE_KINDS),
    describeKinds('the connection to the token server', TOKEN_WIRE_KINDS),
    describeKinds('lists; shortPage takes "rows", the number missing', QUERY_KINDS),
    describeKinds(
      'content; poisonedRecord takes "recordId", "status" and "code", staleRead "lagSeconds", enforceLimits "monthlyQuota"',
      CONTENT_KINDS,
    ),
  ].join('\n')
}

function describeKinds(what: string, kinds: readonly string[]): string {
  return `  ${what}:\n    ${kinds.join(', ')}`
}

export interface FaultSpec {
  kind: FaultKind
  /** All companies when left out. */
  realmId?: string
  /** All that read data when left out; the token calls for the faults of the token server. */
  operation?: Operation
  entity?: string
  /** Calls that it strikes; until removed when left out. */
  times?: number
  /** Only queries that ask for more rows than that. */
  moreThanRows?: number
  /** Of `poisonedRecord`. */
  recordId?: string
  /** Of `poisonedRecord`: how the answers that would hold the record are refused, 500 and 10000 when left out. */
  status?: number
  code?: string
  /** Adds a Retry-After header to an answer that refuses. */
  retryAfterSeconds?: number
  /** Of `slow`; in real time. */
  delayMs?: number
  /** Of `staleRead`. */
  lagSeconds?: number
  /** Of `shortPage`: rows that are missing at the end, 1 when left out. */
  rows?: number
  /** Of `enforceLimits`: metered calls of all companies together. */
  monthlyQuota?: number
}

export interface Faults {
  /** Throws for a kind that does not exist. */
  add(spec: FaultSpec): string
  remove(id: string): void
  clear(): void
  list(): (FaultSpec & { id: string; strikesLeft: number | null })[]
}

export interface ActiveFault {
  readonly id: string
  readonly spec: FaultSpec
  /** Aborted when the fault is taken away: what hangs goes on. */
  readonly gone: AbortController
  strikesLeft: number
}

export interface FaultBox extends Faults {
  /** The faults that would strike this call, in the order in which they were added. */
  matching(call: Call): ActiveFault[]
}

export function createFaultBox(): FaultBox {
  let active: ActiveFault[] = []
  let added = 0
  const add = (spec: FaultSpec) => {
    if (!FAULT_KINDS.includes(spec.kind)) throw new Error(`"${spec.kind}" is no kind of fault`)
    added += 1
    const id = String(added)
    active.push({ id, spec, gone: new AbortController(), strikesLeft: spec.times ?? Infinity })
    return id
  }
  const take = (isTaken: (fault: ActiveFault) => boolean) => {
    for (const fault of active.filter(isTaken)) fault.gone.abort()
    active = active.filter((fault) => !isTaken(fault))
  }
  return {
    add,
    remove: (id) => take((fault) => fault.id === id),
    clear: () => take(() => true),
    list: () =>
      active.map(({ id, spec, strikesLeft }) => ({
        ...spec,
        id,
        strikesLeft: strikesLeft === Infinity ? null : strikesLeft,
      })),
    matching: (call) => active.filter((fault) => fault.strikesLeft > 0 && strikes(fault.spec, call)),
  }
}

function strikes(spec: FaultSpec, call: Call): boolean {
  if (spec.realmId !== undefined && spec.realmId !== call.realmId) return false
  if (spec.entity !== undefined && !entitiesOf(call).includes(spec.entity.toLowerCase())) return false
  if (spec.moreThanRows !== undefined && rowsAskedFor(call) <= spec.moreThanRows) return false
  if (isOneOf(QUERY_KINDS, spec.kind))
    return call.operation === 'query' && !/count\s*\(/i.test(call.query ?? '')
  if (spec.operation !== undefined) return spec.operation === call.operation
  return isTokenKind(spec.kind) ? call.operation === 'token' : isOneOf(DATA_OPERATIONS, call.operation)
}

/** 0 for calls that ask for no page. */
function rowsAskedFor({ query }: Call): number {
  return Number(/\bmaxresults\s+(\d+)/i.exec(query ?? '')?.[1] ?? 0)
}

function entitiesOf({ entity }: Call): string[] {
  return (entity ?? '').toLowerCase().split(',')
}

function isTokenKind(kind: FaultKind): boolean {
  return kind in TOKEN_FAULT_ANSWERS || isOneOf(TOKEN_WIRE_KINDS, kind)
}

function isOneOf(list: readonly string[], word: string): boolean {
  return list.includes(word)
}
