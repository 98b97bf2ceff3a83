// Payloads as Postgres stores them, compressed; as text they are some four times larger, and each is read twice: as
// itself and as the version before the next.
const MOST_BYTES = 2_000_000

/** The first rows whose total weight fits one answer; at least one, however heavy. */
export function withinWeight<Row extends { readonly weight: number }>(rows: readonly Row[]): Row[] {
  let bytes = 0
  const end = rows.findIndex(({ weight }, at) => {
    bytes += weight
    return at > 0 && bytes > MOST_BYTES
  })
  return rows.slice(0, end === -1 ? rows.length : end)
}
