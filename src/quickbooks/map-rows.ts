import type { Change, Reject, Tombstone, Version } from '../domain/change.ts'

export interface MappedRows {
  readonly changes: readonly Change[]
  readonly rejects: readonly Reject[]
}

/**
 * Splits mapped records into changes and rejects. A reject without a readable id is identified by its place, the only
 * name it has.
 */
export function partRows<Row>(
  rows: readonly Row[],
  map: (row: Row) => Version | Tombstone | Reject,
  placeOf: (index: number) => string,
): MappedRows {
  const changes: Change[] = []
  const rejects: Reject[] = []
  rows.forEach((row, index) => {
    const mapped = map(row)
    if ('kind' in mapped) changes.push(mapped)
    else rejects.push(mapped.qboId === null ? { ...mapped, position: placeOf(index) } : mapped)
  })
  return { changes, rejects }
}
