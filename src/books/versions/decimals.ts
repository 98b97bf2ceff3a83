/** Exact arithmetic on decimal text, for what SQL has not computed already. */
export function subtract(from: string, what: string): string {
  const scale = Math.max(decimalsOf(from), decimalsOf(what))
  return textOf(unitsOf(from, scale) - unitsOf(what, scale), scale)
}

export function add(one: string, other: string): string {
  const scale = Math.max(decimalsOf(one), decimalsOf(other))
  return textOf(unitsOf(one, scale) + unitsOf(other, scale), scale)
}

/** Negative, zero or positive, as `one` is less than, equal to or more than `other`. */
export function compareDecimals(one: string, other: string): number {
  const scale = Math.max(decimalsOf(one), decimalsOf(other))
  const difference = unitsOf(one, scale) - unitsOf(other, scale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

export function isZero(decimal: string): boolean {
  return compareDecimals(decimal, '0') === 0
}

export function withoutSign(decimal: string): string {
  return decimal.replace(/^-/, '')
}

function decimalsOf(decimal: string): number {
  return decimal.split('.')[1]?.length ?? 0
}

function unitsOf(decimal: string, scale: number): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(scale, '0'))
}

function textOf(units: bigint, scale: number): string {
  if (scale === 0) return String(units)
  const sign = units < 0n ? '-' : ''
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0')
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
