import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { cursorAfter, cursorOf, page } from '../../src/http/request/cursor.ts'
import { fieldsOf } from './answers.ts'
import { openHttp, type OpenHttp } from './open-http.ts'
import { insertCompany, insertReject, insertRun } from './rows.ts'

describe('a cursor', () => {
  test('gives back the key it was made of, however long an id of Intuit is', () => {
    const key = '9'.repeat(32)
    expect(cursorOf('bills', 32).parse(cursorAfter('bills', key))).toBe(key)
    expect(cursorOf('runs', 15).parse(cursorAfter('runs', 17))).toBe('17')
    expect(cursorOf('runs', 15).parse(undefined)).toBeNull()
  })

  test('that somebody made of a key that no row has is refused', () => {
    for (const key of ['9'.repeat(16), '', '-1', '1.5', '1e3', "1' OR true", '1\u0000', '१', ' 1']) {
      expect(cursorOf('runs', 15).safeParse(cursorAfter('runs', key)).success).toBe(false)
    }
  })

  test('follows a page only when more rows do', () => {
    const paging = { list: 'runs', limit: 2, keyOf: (row: number) => row }
    const show = (row: number) => ({ row })
    expect(page([], paging, show)).toEqual({ data: [], nextCursor: null })
    expect(page([1, 2], paging, show)).toEqual({ data: [{ row: 1 }, { row: 2 }], nextCursor: null })
    expect(page([1, 2, 3], paging, show)).toEqual({
      data: [{ row: 1 }, { row: 2 }],
      nextCursor: cursorAfter('runs', 2),
    })
  })
})

describe('the cursor of a list', () => {
  let http: OpenHttp

  beforeAll(async () => {
    http = await openHttp()
    for (const realmId of ['1', '2']) {
      await insertCompany(http.knex, realmId)
      for (const qboId of ['11', '12']) {
        await insertRun(http.knex, realmId)
        await insertReject(http.knex, realmId, { qbo_id: qboId })
        await http.send('post', `/admin/companies/${realmId}/pause`).expect(200)
        await http.send('post', `/admin/companies/${realmId}/resume`).expect(200)
      }
    }
  })

  afterAll(() => http.close())

  test.each([
    ['/admin/sync/runs?', ['/admin/sync/runs?realmId=1', '/admin/sync/runs?status=failed']],
    ['/admin/sync/runs?realmId=1&trigger=schedule', ['/admin/sync/runs?realmId=2&trigger=schedule']],
    [
      '/admin/companies/1/rejects?',
      ['/admin/companies/2/rejects?', '/admin/companies/1/rejects?resolved=true'],
    ],
    ['/admin/companies/1/events?', ['/admin/companies/2/events?', '/admin/events?']],
    ['/admin/events?', ['/admin/companies/1/events?']],
    ['/admin/companies?', ['/admin/companies?status=active', '/api/companies?']],
  ])('%s is of no other list', async (list, others) => {
    const { body } = await http.send('get', `${list}&limit=1`).expect(200)
    expect(body.nextCursor).toEqual(expect.any(String))
    // Neither the order of the filters nor the size of the page makes another list.
    const [path, query] = list.split('?')
    const turned = query!.split('&').reverse().join('&')
    await http.send('get', `${path}?limit=2&cursor=${body.nextCursor}&${turned}`).expect(200)
    for (const other of others) {
      const answer = await http.send('get', `${other}&cursor=${body.nextCursor}`).expect(400)
      expect([other, fieldsOf(answer)]).toEqual([other, ['cursor']])
    }
  })
})
