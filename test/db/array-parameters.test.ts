import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Knex } from 'knex'
import { jsonbArray, textArray, timestamptzArray } from '../../src/db/array-parameters.ts'
import { connect } from '../../src/db/connect.ts'
import { rowsOf } from '../../src/db/database.ts'
import { createTestDatabase, type TestDatabase } from '../setup/test-database.ts'

let database: TestDatabase
let knex: Knex

beforeAll(async () => {
  database = await createTestDatabase()
  knex = connect({
    url: database.url,
    tls: 'off',
    poolMax: 1,
    applicationName: 'array-parameters',
    statementTimeoutMs: null,
  })
})

afterAll(async () => {
  await knex.destroy()
  await database.drop()
})

/** What Postgres takes an array for, element by element in their order. */
async function readBack<Value>(type: string, array: Buffer, shown: string): Promise<Value[]> {
  const rows = await rowsOf<{ value: Value }>(
    knex,
    `SELECT ${shown} AS value FROM unnest(CAST(:array AS ${type}[])) WITH ORDINALITY AS a (element, place) ORDER BY place`,
    { array },
  )
  return rows.map(({ value }) => value)
}

describe('an array parameter', () => {
  test('holds texts as they are, whatever would need quoting in the text of an array, and nulls apart from empty ones', async () => {
    const texts = ['', null, 'NULL', '{a,b}', '"', '\\', "'; --", 'é€𐍈', ' \n\t', 'x'.repeat(70_000)]
    expect(await readBack('text', textArray(texts), 'element')).toEqual(texts)
  })

  test('holds any text', async () => {
    const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text)), async (texts) => {
        expect(await readBack('text', textArray(texts), 'element')).toEqual(texts)
      }),
    )
  })

  test('leaves JSON to Postgres: its numbers keep every digit', async () => {
    const texts = ['{"a": 12345678901234567890.10}', '[]', '"é"', 'null']
    expect(await readBack('jsonb', jsonbArray(texts), 'element::text')).toEqual(texts)
  })

  test('is refused when a JSON text is none, with the class of errors that are about data', async () => {
    for (const text of ['{', '"\\u0000"', '"\\ud800"', '']) {
      const refused = readBack('jsonb', jsonbArray([text]), 'element')
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^22/) })
    }
  })

  test('is refused when a text holds a null byte, likewise', async () => {
    const refused = readBack('text', textArray(['a\0b']), 'element')
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^22/) })
  })

  test('holds moments to the millisecond, long ago and far ahead', async () => {
    const moment = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(moment)), async (moments) => {
        const shown = `to_char(element AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
        const expected = moments.map((one) => one?.toISOString() ?? null)
        expect(await readBack('timestamptz', timestamptzArray(moments), shown)).toEqual(expected)
      }),
    )
  })
})
