const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

// Postgres numeric holds far more; anything longer is a damaged payload, not an amount of money.
const LONGEST_DECIMAL = 60

/**
 * Decimal text in its one normal form: no exponent, no leading or trailing zeros, no negative zero, so that `250`,
 * `250.0` and `2.5e2` are one value. Works on text only, never through a float.
 *
 * @returns null when the text is not a finite decimal number, or is longer than any amount could be.
 */
export function normalDecimal(text: string): string | null {
  const parts = DECIMAL.exec(text)
  if (!parts || text.length > LONGEST_DECIMAL) return null
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = parts
  const exponent = Number(exponentText)
  if (Math.abs(exponent) > LONGEST_DECIMAL) return null
  const digits = whole + fraction
  const point = whole.length + exponent
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const split = point <= 0 ? 1 : point
  const wholePart = padded.slice(0, split).replace(/^0+(?=\d)/, '')
  const fractionPart = padded.slice(split).replace(/0+$/, '')
  const unsigned = fractionPart === '' ? wholePart : `${wholePart}.${fractionPart}`
  return unsigned === '0' ? '0' : sign + unsigned
}
