import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

import { contentHash } from '../../src/quickbooks/content-hash.ts'
import { parseJson, type JsonObject } from '../../src/domain/parse-json.ts'

function hash(text: string, alsoNoise: readonly string[] = []): string {
  return contentHash(parseJson(text) as JsonObject, alsoNoise)
}

describe('two payloads with the same content have the same hash', () => {
  test.each([
    ['keys in another order', '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'],
    ['numbers spelt otherwise', '{"a":250,"b":[2.50]}', '{"a":250.0,"b":[25e-1]}'],
    [
      'linked transactions in another order',
      '{"LinkedTxn":[{"TxnId":"2"},{"TxnId":"1"}],"Line":[{"LinkedTxn":[{"TxnId":"4"},{"TxnId":"3"}]}]}',
      '{"LinkedTxn":[{"TxnId":"1"},{"TxnId":"2"}],"Line":[{"LinkedTxn":[{"TxnId":"3"},{"TxnId":"4"}]}]}',
    ],
    [
      'other bookkeeping',
      '{"domain":"QBO","sparse":false,"SyncToken":"1","MetaData":{"LastUpdatedTime":"x"},"Id":"1"}',
      '{"domain":"X","sparse":true,"SyncToken":"7","MetaData":{},"Id":"1"}',
    ],
    ['coordinates', '{"ShipAddr":{"Id":"5","Lat":"1.5","Long":"INVALID"}}', '{"ShipAddr":{"Id":"5"}}'],
    ['an object emptied of its noise', '{"a":1,"ShipAddr":{"Lat":"INVALID"}}', '{"a":1}'],
    ['an empty object', '{"a":1,"TaxExemptionRef":{},"x":{"y":{}}}', '{"a":1}'],
    ['the name in a reference', '{"VendorRef":{"value":"31","name":"Old"}}', '{"VendorRef":{"value":"31"}}'],
    ['nothing at all', '{}', '{"MetaData":{}}'],
  ])('%s', (_what, one, other) => {
    expect(hash(one)).toBe(hash(other))
  })

  test('whatever the order of keys and of linked transactions, and however numbers are spelt', () => {
    const key = fc.constantFrom('Id', 'Line', 'Amount', 'LinkedTxn', 'CustomField', 'VendorRef', 'é', '')
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 6 }), fc.integer(), (payload, seed) => {
        expect(hash(respelt(payload, seed, ''))).toBe(hash(JSON.stringify(payload)))
      }),
    )
  })
})

describe('two payloads with different content have different hashes', () => {
  test.each([
    ['an amount', '{"TotalAmt":1}', '{"TotalAmt":1.01}'],
    ['a digit that a float would lose', '{"a":12345678901234567.89}', '{"a":12345678901234567.88}'],
    ['a number and a text', '{"a":250}', '{"a":"250"}'],
    ['null and nothing', '{"a":null}', '{}'],
    ['an empty list and nothing', '{"LinkedTxn":[]}', '{}'],
    ['one more empty element', '{"Line":[{}]}', '{"Line":[{},{}]}'],
    ['the order of lines', '{"Line":[{"Id":"1"},{"Id":"2"}]}', '{"Line":[{"Id":"2"},{"Id":"1"}]}'],
    [
      'the id in a reference',
      '{"VendorRef":{"value":"1","name":"x"}}',
      '{"VendorRef":{"value":"2","name":"x"}}',
    ],
    [
      'a name beside a type',
      '{"ARef":{"value":"1","name":"x","type":"t"}}',
      '{"ARef":{"value":"1","name":"y","type":"t"}}',
    ],
    [
      'a name of an object that is no reference',
      '{"a":{"value":"1","name":"x"}}',
      '{"a":{"value":"1","name":"y"}}',
    ],
    ['where a text ends', '{"a":"b","c":"d"}', '{"a":"b\\",\\"c\\":\\"d"}'],
    ['a balance of a bill', '{"Balance":1}', '{"Balance":2}'],
    ['a nested balance', '{"a":{"Balance":1}}', '{"a":{"Balance":2}}'],
  ])('%s', (_what, one, other) => {
    expect(hash(one)).not.toBe(hash(other))
  })

  test('any change of a leaf changes the hash', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean())
    fc.assert(
      fc.property(fc.array(leaf, { minLength: 1, maxLength: 6 }), fc.nat(), leaf, (leaves, at, other) => {
        const index = at % leaves.length
        fc.pre(leaves[index] !== other)
        const payload = (values: unknown[]) =>
          JSON.stringify({ Line: values.map((Amount) => ({ x: { Amount } })) })
        expect(hash(payload(leaves.with(index, other)))).not.toBe(hash(payload(leaves)))
      }),
    )
  })
})

test('what is named as further noise is left out at top level alone', () => {
  expect(hash('{"a":1,"Balance":5}', ['Balance'])).toBe(hash('{"a":1}'))
  expect(hash('{"a":{"Balance":5}}', ['Balance'])).not.toBe(hash('{"a":{"Balance":6}}', ['Balance']))
})

/** The same JSON with its keys turned round, its numbers spelt longer and its linked transactions turned round. */
function respelt(value: unknown, seed: number, key: string): string {
  if (typeof value === 'number') return seed % 2 === 0 ? `${value}.00` : `${BigInt(value) * 10n}e-1`
  if (Array.isArray(value)) {
    const elements = value.map((element) => respelt(element, seed, ''))
    return `[${(key === 'LinkedTxn' ? elements.reverse() : elements).join(',')}]`
  }
  if (typeof value === 'object' && value !== null) {
    const properties = Object.entries(value).map(
      ([name, inner]) => `${JSON.stringify(name)}: ${respelt(inner, seed, name)}`,
    )
    return `{ ${properties.reverse().join(' , ')} }`
  }
  return JSON.stringify(value)
}
