import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createWorkplace, type Workplace } from '../setup/workplace.ts'
import { DEFECTS, type Defect } from './defects.ts'

// Each defect shows within some dozens; one that does not within these would pass the other tests too.
const EPISODES = 300

describe('the simulation notices', () => {
  let workplace: Workplace

  beforeEach(async () => {
    workplace = await createWorkplace(['src', 'migrations', 'test', 'package.json'])
  })

  afterEach(() => workplace.remove())

  test.each(DEFECTS.map((defect) => [defect.name, defect] as const))(
    '%s',
    async (_name, defect) => {
      await plant(workplace, defect)
      const { exitCode, output } = await simulate(workplace, defect.firstSeed ?? 1)
      expect(output).toContain('Replay: npm run simulate')
      expect(exitCode).toBe(1)
    },
    300_000,
  )
})

async function plant(workplace: Workplace, { edits }: Defect): Promise<void> {
  for (const { file, find, replace } of edits) {
    const path = join(workplace.directory, file)
    const source = await readFile(path, 'utf8')
    expect({ file, places: source.split(find).length - 1 }).toEqual({ file, places: 1 })
    await writeFile(
      path,
      source.replace(find, () => replace),
    )
  }
}

async function simulate(
  { directory }: Workplace,
  firstSeed: number,
): Promise<{ exitCode: number | null; output: string }> {
  const parameters = ['--seed', String(firstSeed), '--episodes', String(EPISODES)]
  const child = spawn(process.execPath, ['test/simulation/run.ts', ...parameters], {
    cwd: directory,
    env: { PATH: process.env['PATH'], TEST_POSTGRES_URL: process.env['TEST_POSTGRES_URL'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, output }
}
