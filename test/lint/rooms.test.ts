import { afterAll, describe, expect, test } from '@jest/globals'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startLint } from './start-lint.ts'

const { lintText, stop } = startLint()

afterAll(stop)

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** The order as the design has it, said once more: an order changed in the lint alone does not pass. */
const ORDER =
  'domain metrics db models books connections quickbooks sync reconcile jobs http console sandbox'.split(' ')

const SEES_NO_LOG = ['domain', 'quickbooks', 'sandbox']

function maySee(room: string): string[] {
  if (room === 'sandbox') return []
  if (room === 'quickbooks') return ['domain']
  return ORDER.slice(0, ORDER.indexOf(room))
}

/** A file of every room that has one, from the root of the repository. */
const FILES: Record<string, string> = {}
for (const room of readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  const file = readdirSync(join(SRC, room.name)).find((name) => name.endsWith('.ts'))
  if (file !== undefined) FILES[room.name] = `src/${room.name}/${file}`
}

/** The paths (from the root) that a file at `from` may not import, in the lint's eyes. */
async function refused(from: string, imported: string[]): Promise<string[]> {
  const up = '../'.repeat(from.split('/').length - 1)
  const text = imported.map((path) => `import '${up}${path}'`).join('\n')
  const complaints = (await lintText(from, text)).filter(
    ({ rule }) => rule === 'import-x/no-restricted-paths',
  )
  return complaints.map(({ line }) => imported[line - 1] ?? '')
}

describe('the rooms of src', () => {
  test('all have their place in the order', () => {
    expect(ORDER).toEqual(expect.arrayContaining(Object.keys(FILES)))
  })

  test.each(ORDER)('%s imports rooms before it and no other', async (room) => {
    const others = Object.entries(FILES).filter(([name]) => name !== room)
    const forbidden = others.filter(([name]) => !maySee(room).includes(name))

    const complaints = await refused(
      `src/${room}/pretend.ts`,
      others.map(([, file]) => file),
    )

    expect(complaints).toEqual(forbidden.map(([, file]) => file))
  })

  test.each(ORDER)('%s does not import what puts the rooms together, nor the tests', async (room) => {
    const outside = ['src/app.ts', 'src/config.ts', 'test/setup/test-database.ts']
    const log = SEES_NO_LOG.includes(room) ? ['src/log.ts'] : []
    expect(await refused(`src/${room}/pretend.ts`, [...outside, 'src/log.ts'])).toEqual([...outside, ...log])
  })

  test('a type, a dynamic import and a re-export count as imports', async () => {
    const target = '../sync/write-records.ts'
    const text = [
      `import type { a } from '${target}'`,
      `export * from '${target}'`,
      `export const b = (): Promise<unknown> => import('${target}')`,
    ].join('\n')
    const complaints = await lintText('src/db/pretend.ts', text)
    const lines = complaints
      .filter(({ rule }) => rule === 'import-x/no-restricted-paths')
      .map(({ line }) => line)
    expect(lines).toEqual([1, 2, 3])
  })

  test('the file that puts them together imports them all, and a test whatever it likes', async () => {
    const everything = [...Object.values(FILES), 'src/config.ts']
    expect(await refused('src/app.ts', everything)).toEqual([])
    expect(await refused('test/sync/pretend.ts', everything)).toEqual([])
  })

  test('a migration imports nothing of them', async () => {
    expect(await refused('migrations/pretend.ts', ['src/domain/money.ts'])).toEqual(['src/domain/money.ts'])
  })

  test('a complaint says what the room may import', async () => {
    const [complaint] = await lintText('src/quickbooks/pretend.ts', `import '../db/clock.ts'`)
    expect(complaint?.message).toContain('Of ours, quickbooks may import only domain.')
  })
})

describe('files', () => {
  test('that import each other in a circle are refused', async () => {
    // A circle needs a second file that is really there.
    const folder = await mkdtemp(join(SRC, '..', 'test', 'lint', 'circle-'))
    const path = `test/lint/${folder.split('/').at(-1)}/first.ts`
    try {
      await writeFile(
        join(folder, 'second.ts'),
        `import { first } from './first.ts'\nexport const second = first\n`,
      )
      await writeFile(join(folder, 'first.ts'), `export const first = 1\n`)
      const circle = await lintText(
        path,
        `import { second } from './second.ts'\nexport const first = () => second\n`,
      )
      expect(circle.map(({ rule }) => rule)).toEqual(['import-x/no-cycle'])
      expect(await lintText(path, `export const first = 1\n`)).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
