import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockDataFolder } from '../../src/db/data-folder-lock.ts'
import { type Child, startChild } from '../setup/child-process.ts'

describe('the lock of a data folder', () => {
  let directory = ''
  let children: Child[] = []

  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'data-folder-lock-')), 'data')
    children = []
  })

  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()))
    await rm(join(directory, '..'), { recursive: true })
  })

  async function startHolder(): Promise<Child> {
    const child = startChild(new URL('hold-data-folder.ts', import.meta.url), [directory])
    children.push(child)
    expect(await child.hear()).toBe('waiting')
    return child
  }

  test('makes the folder and keeps every other process out, naming the one that has it', async () => {
    const holder = await startHolder()
    holder.say('lock')
    expect(await holder.hear()).toBe('locked')

    await expect(lockDataFolder(directory)).rejects.toThrow(`is in use by process ${holder.process.pid}`)
  })

  test('keeps a second lock of the same process out', async () => {
    const lock = await lockDataFolder(directory)
    await expect(lockDataFolder(directory)).rejects.toThrow(`is in use by process ${process.pid}`)
    await lock.release()
  })

  test('lets the next one in when it is released, and releasing twice harms nobody', async () => {
    const first = await lockDataFolder(directory)
    await first.release()
    const second = await lockDataFolder(directory)
    await first.release()
    await expect(lockDataFolder(directory)).rejects.toThrow(`is in use by process ${process.pid}`)
    await second.release()
  })

  test('is free again when its process was killed', async () => {
    const holder = await startHolder()
    holder.say('lock')
    expect(await holder.hear()).toBe('locked')
    await holder.kill()

    const lock = await lockDataFolder(directory)
    await lock.release()
  })

  test('is free again when its process was killed and the pid now belongs to another that lives', async () => {
    const lock = await lockDataFolder(directory)
    await lock.release()
    await writeFile(join(directory, 'lock-holder'), String(process.ppid))

    const taken = await lockDataFolder(directory)
    await taken.release()
  })

  test('goes to exactly one of many that ask at the same moment, a killed one before them or not', async () => {
    const killed = await startHolder()
    killed.say('lock')
    expect(await killed.hear()).toBe('locked')
    const starters = await Promise.all(Array.from({ length: 6 }, startHolder))
    await killed.kill()

    for (const starter of starters) starter.say('lock')
    const answers = await Promise.all(starters.map((starter) => starter.hear()))

    expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1)
    expect(answers.filter((answer) => answer.includes('is in use by'))).toHaveLength(5)
  })
})
