// Payloads as Postgres keeps them, compressed; as text they are some four times as heavy, and each is read twice, once
// as itself and once as the version before the next.
const MOST_BYTES = 2_000_000

/** The first rows that together are no heavier than one answer bears; at least one, however heavy. */
export function withinWeight<Row extends { readonly weight: number }>(rows: readonly Row[]): Row[] {
  let bytes = 0
  const end = rows.findIndex(({ weight }, at) => {
    bytes += weight
    return at > 0 && bytes > MOST_BYTES
  })
  return rows.slice(0, end === -1 ? rows.length : end)
}
