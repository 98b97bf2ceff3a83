/** The middle one: on a machine that others use, a single slow or fast round says nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

/** The least value that a share of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/** Three figures, thousands parted. */
export function figure(value: number): string {
  return value >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(value >= 100 ? 3 : 2)))
}

export function ratio(of: number, to: number): string {
  return `${figure(of / to)}x`
}

export function megabytes(bytes: number): string {
  return `${figure(bytes / 1e6)} MB`
}

export function percent(share: number): string {
  return `${figure(share * 100)} %`
}
