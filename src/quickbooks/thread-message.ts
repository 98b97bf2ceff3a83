import type { Reject } from '../domain/change.ts'
import { LedgerError, type ErrorCode, type ErrorDetails } from '../domain/ledger-error.ts'
import type { Reply } from './answer.ts'
import type { FaultContext } from './fault.ts'
import type { ListedRow } from './listed-row.ts'
import type { ChangedRows, Reading, Wanted } from './read-reply.ts'
import type { QueryAnswer } from './listed-row.ts'

/** A message to the thread that reads answers. */
export interface Task {
  readonly reply: Reply
  readonly wanted: Wanted
  readonly context: FaultContext
}

/** Its reply. */
export type Done = { readonly reading: unknown } | { readonly error: PackedError }

interface PackedError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
}

/** Passed between threads, an error would lose its code and details; of everything read, only rejects hold one. */
export function packReading(reading: Reading): unknown {
  return mapRejects(reading, (reject) => ({ ...reject, reason: packError(reject.reason) }))
}

export function unpackReading(reading: unknown): Reading {
  return mapRejects(reading as Reading, (reject) => ({
    ...reject,
    reason: unpackError(reject.reason),
  })) as Reading
}

export function packError({ code, message, details }: LedgerError): PackedError {
  return { code, message, details }
}

export function unpackError({ code, message, details }: PackedError): LedgerError {
  return new LedgerError(code, message, { details })
}

function mapRejects(reading: Reading, change: (reject: Reject) => unknown): unknown {
  if (!('rows' in reading)) return reading
  const changed = (mapped: ListedRow['mapped']) => ('kind' in mapped ? mapped : change(mapped))
  if ('objects' in reading) {
    const { rows, ...rest }: ChangedRows = reading
    return { ...rest, rows: rows.map(([entity, mapped]) => [entity, mapped.map(changed)]) }
  }
  const { rows, ...rest }: QueryAnswer = reading
  return {
    ...rest,
    rows: rows.map((row) => ('kind' in row.mapped ? row : { ...row, mapped: changed(row.mapped) })),
  }
}
