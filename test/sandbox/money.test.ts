import { describe, expect, test } from '@jest/globals'
import { amountText, convert, minorOf, rateOf, rateToken } from '../../src/sandbox/money.ts'

describe('amounts', () => {
  test.each([
    [31500, '315.0'],
    [0, '0'],
    [8820, '88.2'],
    [-37094, '-370.94'],
    [5, '0.05'],
    [-50, '-0.5'],
    [10000000000001, '100000000000.01'],
  ])('%i minor units are written %s', (minor, text) => {
    expect(amountText(minor)).toBe(text)
    expect(minorOf(text)).toBe(minor)
  })

  test.each(['1.234', '', '1e3', '0x10', '12345678901234567890', '1,5'])('%p is no amount', (text) => {
    expect(() => minorOf(text)).toThrow('is no amount of money')
  })

  test('zeros behind the cents are not a third decimal', () => {
    expect(minorOf('12.3400')).toBe(1234)
  })
})

describe('exchange rates', () => {
  test('keep six decimals and drop the zeros behind', () => {
    expect(rateToken(rateOf('1.0832')).rawJSON).toBe('1.0832')
    expect(rateToken(rateOf('1')).rawJSON).toBe('1')
    expect(rateToken(rateOf('0.000125')).rawJSON).toBe('0.000125')
  })

  test('round halves away from zero', () => {
    expect(convert(4000, rateOf('1.0832'))).toBe(4333)
    expect(convert(1, rateOf('0.5'))).toBe(1)
    expect(convert(-1, rateOf('0.5'))).toBe(-1)
  })
})
