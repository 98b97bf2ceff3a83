import { describe, expect, test } from '@jest/globals'
import { cursorAfter, cursorOf, page } from '../../src/http/request/cursor.ts'

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
