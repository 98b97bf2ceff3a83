import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { QuickBooksCall } from '../../src/domain/quickbooks-call.ts'
import { fenced } from '../../src/sync/fenced.ts'
import { openRun } from '../../src/sync/open-run.ts'
import type { Run } from '../../src/sync/run.ts'
import { REALM, startMirror, type TestMirror } from '../setup/mirror.ts'

describe('a transaction of a run', () => {
  let mirror: TestMirror
  let run: Run

  beforeEach(async () => {
    mirror = await startMirror()
    await mirror.ask()
    const opened = await openRun(mirror.database, REALM)
    if (typeof opened === 'string') throw new Error(opened)
    run = {
      ...opened,
      realmId: REALM,
      database: mirror.database,
      unrecordedCalls: [call('first'), call('second')],
    } as unknown as Run
  })

  afterEach(() => mirror.close())

  test('records the calls before it and leaves those that end meanwhile to the next', async () => {
    await fenced(run, () => {
      run.unrecordedCalls.push(call('meanwhile'))
      return Promise.resolve()
    })
    expect(await recorded()).toEqual(['first', 'second'])
    expect(run.unrecordedCalls.map(({ operation }) => operation)).toEqual(['meanwhile'])
    await fenced(run, () => Promise.resolve())
    expect(await recorded()).toEqual(['first', 'meanwhile', 'second'])
    expect(run.unrecordedCalls).toEqual([])
  })

  test('that fails leaves every call to the next', async () => {
    const failing = fenced(run, () => {
      run.unrecordedCalls.push(call('meanwhile'))
      return Promise.reject(new Error('not written'))
    })
    await expect(failing).rejects.toThrow('not written')
    expect(await recorded()).toEqual([])
    await fenced(run, () => Promise.resolve())
    expect(await recorded()).toEqual(['first', 'meanwhile', 'second'])
  })

  test('whose run lost its lease records nothing and keeps its calls', async () => {
    await mirror.rows(`UPDATE sync_runs SET status = 'abandoned', finished_at = now()`)
    let worked = false
    const late = fenced(run, () => {
      worked = true
      return Promise.resolve()
    })
    await expect(late).rejects.toMatchObject({ code: 'lease_lost' })
    expect(worked).toBe(false)
    expect(await recorded()).toEqual([])
    expect(run.unrecordedCalls).toHaveLength(2)
  })

  async function recorded(): Promise<string[]> {
    const rows = await mirror.rows<{ operation: string }>(
      'SELECT operation FROM quickbooks_calls WHERE calls = 1 ORDER BY operation',
    )
    return rows.map(({ operation }) => operation)
  }

  function call(operation: string): QuickBooksCall {
    return { operation, status: '200', metered: true } as unknown as QuickBooksCall
  }
})
