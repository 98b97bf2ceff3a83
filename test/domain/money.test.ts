import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { normalDecimal } from '../../src/domain/money.ts'

describe('the normal form of a decimal', () => {
  test.each([
    ['250', '250'],
    ['250.0', '250'],
    ['2.5e2', '250'],
    ['2.5E+2', '250'],
    ['25000e-2', '250'],
    ['0.10', '0.1'],
    ['007.50', '7.5'],
    ['-0', '0'],
    ['-0.00', '0'],
    ['0e9', '0'],
    ['-1e-3', '-0.001'],
    ['12345678901234567890.12', '12345678901234567890.12'],
    ['100', '100'],
  ])('of %s is %s', (text, normal) => {
    expect(normalDecimal(text)).toBe(normal)
  })

  test.each([
    '',
    '-',
    '1.',
    '.5',
    '+1',
    '1,000',
    '0x10',
    'NaN',
    'Infinity',
    '1e999',
    ' 1',
    '1 ',
    '1e',
    '9'.repeat(61),
  ])('does not exist of %p', (text) => {
    expect(normalDecimal(text)).toBeNull()
  })

  test('is its own normal form', () => {
    fc.assert(
      fc.property(decimals(), (text) => {
        const normal = normalDecimal(text)!
        expect(normalDecimal(normal)).toBe(normal)
        expect(normal).toMatch(/^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/)
      }),
    )
  })

  test('keeps the value to the last digit', () => {
    fc.assert(
      fc.property(decimals(), (text) => {
        expect(scaled(normalDecimal(text)!)).toBe(scaled(text))
      }),
    )
  })
})

/** Up to 20 digits before and behind the point, with and without an exponent. */
function decimals(): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.bigInt({ min: 0n, max: 10n ** 20n }),
      fc.option(fc.stringMatching(/^\d{1,20}$/), { nil: null }),
      fc.option(fc.integer({ min: -10, max: 10 }), { nil: null }),
    )
    .map(
      ([sign, whole, fraction, exponent]) =>
        `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`,
    )
}

/** The value times 10^40, exactly. */
function scaled(text: string): bigint {
  const [mantissa = '', exponent = '0'] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const shift = 40 + Number(exponent) - fraction.length
  const value = BigInt(whole + fraction) * 10n ** BigInt(shift)
  return mantissa.startsWith('-') ? -value : value
}
