import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { recordLives } from './record-lives.ts'
import { readRecording, writeRecording, type Recording, type Statement, type Value } from './recording.ts'
import type { Release } from './releases.ts'
import { upgradeUnder } from './upgrade.ts'
import { writeRelease } from './write-release.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-mirror-release-'))
})

afterAll(() => rm(folder, { recursive: true }))

const sent = (statement: Partial<Statement>): Statement => ({
  connection: 0,
  text: 'SELECT $1',
  values: [],
  answer: { columns: [], rows: [], count: 0 },
  ...statement,
})

describe('a recording', () => {
  test('is read as it was written: values in text and in binary form, names of what was prepared', async () => {
    const file = join(folder, 'statements.jsonl.gz')
    const recording: Recording = [
      [sent({ values: [null, '', '{"binary":"AA=="}', Buffer.from([0, 0xff, 0x80]), Buffer.alloc(0)] })],
      [sent({ name: 'a name' }), sent({ text: 'SELECT $2', answer: { refused: '42P02' } })],
    ]
    await writeRecording(file, recording)
    expect(await readRecording(file)).toEqual(recording)
  })

  test.each([[7], [undefined], [new Date(0)], [new Uint8Array(1)], [{ type: 'Buffer', data: [1] }]])(
    'is not made of %p, which no replay could send as it was',
    async (value) => {
      const file = join(folder, 'refused.jsonl.gz')
      const statement = sent({ values: [value as unknown as Value] })
      await expect(writeRecording(file, [[statement], []])).rejects.toThrow('cannot be recorded')
      expect(existsSync(file)).toBe(false)
    },
  )
})

describe('a release of this code', () => {
  let release: Release

  beforeAll(async () => {
    // Recording it has replayed it once on the schema as it is.
    release = await writeRelease(join(folder, 'present'), await recordLives({ waitsForHeartbeat: false }))
  })

  test('sends bytes, and sends after an upgrade what it had prepared on the same connection', () => {
    const [before, after] = release.recording
    expect(before.some(({ values }) => values.some(Buffer.isBuffer))).toBe(true)
    const prepared = (statements: readonly Statement[]) =>
      new Set(statements.filter(({ name }) => name).map(({ connection, name }) => `${connection} ${name}`))
    expect(prepared(after).size).toBeGreaterThan(30)
    expect([...prepared(after)].filter((one) => !prepared(before).has(one))).toEqual([])
  })

  test('that answers otherwise when it is replayed is not written', async () => {
    const [[first, ...others], after] = release.recording
    const altered = sent({ ...first, answer: { refused: '42P01' } })
    const elsewhere = join(folder, 'altered')
    await expect(writeRelease(elsewhere, [[altered, ...others], after])).rejects.toThrow(
      'Statement 1: expected 42P01, got an answer',
    )
    expect(existsSync(elsewhere)).toBe(false)
  })

  test('is broken by an upgrade that changes the type of a column that a prepared statement returns', async () => {
    const upgrade = upgradeUnder(release, async (knex) => {
      await knex.raw('ALTER TABLE sync_states ALTER COLUMN mapping_version TYPE bigint')
    })
    await expect(upgrade).rejects.toThrow(
      /0A000 cached plan must not change result type\nof: .*mapping_version/s,
    )
  })
})
