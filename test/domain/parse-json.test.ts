import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { normalDecimal } from '../../src/domain/money.ts'
import { isJsonObject, isNumberText, parseJson } from '../../src/domain/parse-json.ts'

describe('parseJson', () => {
  test('keeps every digit of a number, and writes the same digits back', () => {
    const text = '{"a":12345678901234567.89,"b":[315.0,-0.10,1E+2,0],"c":"12","d":null,"e":true}'
    expect(JSON.stringify(parseJson(text))).toBe(text)
  })

  test('tells a number from an object and a text', () => {
    const parsed = parseJson('{"number":1.50,"object":{},"text":"1.50"}')
    expect(
      isJsonObject(parsed) && [parsed['number'], parsed['object'], parsed['text']].map(isNumberText),
    ).toEqual([true, false, false])
    expect(isJsonObject(parsed) && isJsonObject(parsed['number'])).toBe(false)
  })

  test('takes a property called __proto__ for a property', () => {
    expect(JSON.stringify(parseJson('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}')
  })

  test('throws what JSON.parse throws for a text that is no JSON', () => {
    expect(() => parseJson('{"a":1')).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
  })

  test('writes null bytes and lone surrogates as escapes', () => {
    expect(JSON.stringify(parseJson(String.raw`{"a":"\u0000\ud800"}`))).toBe(String.raw`{"a":"\u0000\ud800"}`)
  })
})

/** One decimal number in several spellings. */
const decimal = fc.record({
  digits: fc.bigInt({ min: 0n, max: 10n ** 24n }),
  scale: fc.integer({ min: 0, max: 12 }),
  isNegative: fc.boolean(),
})

interface Decimal {
  digits: bigint
  scale: number
  isNegative: boolean
}

function plain({ digits, scale, isNegative }: Decimal): string {
  const padded = digits.toString().padStart(scale + 1, '0')
  const split = padded.length - scale
  const fraction = scale === 0 ? '' : `.${padded.slice(split)}`
  return `${isNegative ? '-' : ''}${padded.slice(0, split)}${fraction}`
}

describe('normalDecimal', () => {
  test('gives every spelling of one number the same form', () => {
    fc.assert(
      fc.property(
        decimal,
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 1, max: 5 }),
        (number, zeros, shift) => {
          const text = plain(number)
          const normal = normalDecimal(text)
          const longer = `${text}${text.includes('.') ? '' : '.'}${'0'.repeat(zeros + 1)}`
          const exponent = `${plain({ ...number, scale: number.scale + shift })}e${shift}`
          expect(normal).not.toBeNull()
          expect([normalDecimal(longer), normalDecimal(exponent), normalDecimal(normal ?? '')]).toEqual([
            normal,
            normal,
            normal,
          ])
        },
      ),
    )
  })

  test('gives different numbers different forms', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const scaled = ({ digits, scale, isNegative }: Decimal) =>
          (isNegative ? -digits : digits) * 10n ** BigInt(12 - scale)
        expect(normalDecimal(plain(a)) === normalDecimal(plain(b))).toBe(scaled(a) === scaled(b))
      }),
    )
  })

  test.each(['', '.', '1.', 'NaN', 'Infinity', '1,5', ' 1', '1 ', '--1', '0x1', '1e99999', '1'.repeat(61)])(
    'refuses %j',
    (text) => {
      expect(normalDecimal(text)).toBeNull()
    },
  )
})
