import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { idsOf, rowsOf, startIntuit } from './intuit.ts'
import type { Intuit } from './intuit.ts'

let intuit: Intuit

beforeAll(async () => {
  intuit = await startIntuit({ records: 3000 })
})
afterAll(() => intuit.sandbox.stop())

function allIds(type: 'Bill' | 'Vendor' | 'Invoice'): string[] {
  return intuit.books.records(type).map(({ Id }) => Id)
}

describe('paging', () => {
  test('offset pages over a quiet company give every row once', async () => {
    const seen: string[] = []
    for (let start = 1, page = ['']; page.length > 0; start += 300) {
      page = idsOf(
        await intuit.query(`select * from Bill orderby Id startposition ${start} maxresults 300`),
        'Bill',
      )
      seen.push(...page)
    }
    expect(seen).toEqual(allIds('Bill'))
  })

  test('keyset pages by CreateTime reach every row, although seconds are shared', async () => {
    const seen = new Set<string>()
    let from = '2000-01-01T00:00:00Z'
    for (let before = -1; seen.size > before;) {
      before = seen.size
      const reply = await intuit.query(
        `select * from Invoice where MetaData.CreateTime >= '${from}' orderby MetaData.CreateTime maxresults 200`,
      )
      const rows = rowsOf(reply, 'Invoice') as { Id: string; MetaData?: { CreateTime: string } }[]
      for (const { Id, MetaData } of rows) {
        seen.add(Id)
        from = MetaData?.CreateTime ?? from
      }
    }
    expect([...seen].sort()).toEqual(allIds('Invoice').sort())
  })

  test('a page says where it starts and how many rows it has', async () => {
    const { json } = await intuit.query('select * from Bill startposition 101 maxresults 50')
    expect(json).toMatchObject({ QueryResponse: { startPosition: 101, maxResults: 50 } })
    expect(json).not.toHaveProperty('QueryResponse.totalCount')
  })

  test('without maxresults there are a hundred rows, and never more than a thousand', async () => {
    expect(idsOf(await intuit.query('select * from Bill'), 'Bill')).toHaveLength(100)
    expect(
      idsOf(await intuit.query('select * from Bill maxresults 2000'), 'Bill').length,
    ).toBeLessThanOrEqual(1000)
  })

  test('past the last row there is nothing, not even an empty list', async () => {
    const { text } = await intuit.query('select * from Bill startposition 90000')
    expect(text).toBe('{"QueryResponse":{},"time":"2026-11-22T07:15:02.318-08:00"}')
  })

  test('CompanyInfo does not page', async () => {
    const { json } = await intuit.query('select * from CompanyInfo startposition 2')
    expect(json).toMatchObject({
      QueryResponse: { CompanyInfo: [{ CompanyName: 'Alder & Finch' }], maxResults: 1 },
    })
  })

  test('rows are the records to the letter', async () => {
    const { text } = await intuit.query('select * from Account maxresults 1000')
    const accounts = intuit.books.recordsText('Account')
    expect(text).toBe(
      `{"QueryResponse":{"Account":[${accounts.join(',')}],"startPosition":1,"maxResults":${accounts.length},` +
        `"totalCount":${accounts.length}},"time":"2026-11-22T07:15:02.318-08:00"}`,
    )
  })
})

describe('conditions', () => {
  test('count', async () => {
    const { text } = await intuit.query('select count(*) from Bill')
    expect(text).toBe(
      `{"QueryResponse":{"totalCount":${allIds('Bill').length}},"time":"2026-11-22T07:15:02.318-08:00"}`,
    )
  })

  test('Id IN finds the records that there are', async () => {
    const [first = '', second = ''] = allIds('Bill')
    expect(
      idsOf(await intuit.query(`select * from Bill where Id IN ('${second}','999999','${first}')`), 'Bill'),
    ).toEqual([first, second])
  })

  test('amounts compare as numbers, dates as dates', async () => {
    const expected = intuit.books
      .records('Bill')
      .filter(({ Balance, DueDate }) => Number(Balance) > 1000 && String(DueDate) < '2026-06-01')
      .sort((a, b) => Number(b.TotalAmt) - Number(a.TotalAmt))
      .map(({ TotalAmt }) => TotalAmt)
    const reply = await intuit.query(
      "select * from Bill where Balance > '1000' and DueDate < '2026-06-01' orderby TotalAmt desc maxresults 1000",
    )
    expect(rowsOf(reply, 'Bill').map(({ TotalAmt }) => TotalAmt)).toEqual(expected)
    expect(expected.length).toBeGreaterThan(10)
  })

  test('LIKE takes the percent sign for anything', async () => {
    const reply = await intuit.query("select * from Vendor where DisplayName LIKE '%Paper%' maxresults 1000")
    const expected = intuit.books
      .records('Vendor')
      .filter(({ DisplayName }) => String(DisplayName).includes('Paper'))
    expect(rowsOf(reply, 'Vendor')).toEqual(expected)
  })

  test('inactive rows show only when Active is asked for', async () => {
    const id = intuit.books.createVendor({ name: "O'Brien" }).Id
    const named = await intuit.query(String.raw`select * from vendor where DisplayName = 'O\'Brien'`)
    expect(idsOf(named, 'Vendor')).toEqual([id])
    intuit.books.inactivate('Vendor', id)
    expect(idsOf(await intuit.query(`select * from Vendor where Id = '${id}'`), 'Vendor')).toEqual([])
    const both = await intuit.query(`select * from Vendor where Id = '${id}' and Active IN (true,false)`)
    expect(rowsOf(both, 'Vendor')).toMatchObject([{ Active: false, DisplayName: "O'Brien (deleted)" }])
  })
})

describe('statements that are refused', () => {
  test.each([
    ['selec * from Bill', '4000', 'QueryParserError: Encountered "selec" at token 1'],
    ['select * from Bil', '4001', 'QueryValidationError: Entity Bil not found'],
    [
      "select * from Bill where Colour = 'red'",
      '4001',
      'QueryValidationError: Property Colour not found for Entity Bill',
    ],
    [
      'select * from Bill where Active = true',
      '4001',
      'QueryValidationError: Property Active not found for Entity Bill',
    ],
    [
      'select * from Bill orderby Balance',
      '4001',
      'QueryValidationError: Property Balance is not sortable for Entity Bill',
    ],
    ['select * from Bill startposition 0', '4001', 'QueryValidationError: value 0 is too small, minimum 1'],
    [
      "select * from Bill where MetaData.CreateTime > 'today'",
      '4001',
      "QueryValidationError: value 'today' is not valid for property MetaData.CreateTime",
    ],
  ])('%s', async (statement, code, detail) => {
    const { status, json } = await intuit.query(statement)
    expect(status).toBe(400)
    expect(json).toMatchObject({ Fault: { Error: [{ code, Detail: detail }], type: 'ValidationFault' } })
  })
})

describe('batch', () => {
  test('answers each query, and each fault beside it', async () => {
    const items = [
      { bId: 'a', Query: 'select count(*) from Customer' },
      { bId: 'b', Query: 'nonsense' },
    ]
    const { status, json } = await intuit.post('batch', JSON.stringify({ BatchItemRequest: items }))
    expect(status).toBe(200)
    expect(json).toMatchObject({
      BatchItemResponse: [
        { bId: 'a', QueryResponse: { totalCount: intuit.books.records('Customer').length } },
        { bId: 'b', Fault: { Error: [{ code: '4000' }] } },
      ],
    })
  })
})
