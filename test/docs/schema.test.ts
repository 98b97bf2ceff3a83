import { readFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { describeSchema } from '../../docs/describe-schema.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { openKnex } from '../setup/open-knex.ts'

describe('the schema document', () => {
  test('says what the migrations make, with a meaning of every column: `npm run schema` writes it anew', async () => {
    const { url, drop } = await createTestDatabase()
    const knex = openKnex(url)
    try {
      const written = await readFile(new URL('../../docs/schema.md', import.meta.url), 'utf8')
      expect(written).toBe(await describeSchema(knex))
      // A row of a column ends in its meaning.
      expect(written.split('\n').filter((line) => /^\| `.*\|\s*\|$/.test(line))).toEqual([])
    } finally {
      await knex.destroy()
      await drop()
    }
  })
})
