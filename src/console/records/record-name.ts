import type { ShownRecord } from '../../books/shown-record.ts'

/** What a record is called: its number, or its name. */
export function recordName(shown: ShownRecord): string {
  if ('docNumber' in shown) return shown.docNumber ?? `#${shown.qboId}`
  if ('accountName' in shown) return shown.fullyQualifiedName ?? shown.accountName
  return shown.displayName
}
