import { describe, expect, test } from '@jest/globals'
import { parseQuery, QueryParserError } from '../../src/sandbox/query-parser.ts'

describe('parsing a query', () => {
  test('defaults: every row from the first, a hundred of them', () => {
    expect(parseQuery('select * from Bill')).toEqual({
      count: false,
      entity: 'Bill',
      where: [],
      orderBy: [],
      startPosition: 1,
      maxResults: 100,
    })
  })

  test('every clause at once, keywords in any case', () => {
    const statement =
      "SELECT * FROM Invoice WHERE MetaData.CreateTime >= '2026-01-01T00:00:00-08:00' AND Balance > '0' " +
      "and DocNumber LIKE '10%' AND Id IN ('1', '2') ORDER BY MetaData.CreateTime ASC, Id desc STARTPOSITION 11 MAXRESULTS 50"
    expect(parseQuery(statement)).toEqual({
      count: false,
      entity: 'Invoice',
      where: [
        { property: 'MetaData.CreateTime', operator: '>=', values: ['2026-01-01T00:00:00-08:00'] },
        { property: 'Balance', operator: '>', values: ['0'] },
        { property: 'DocNumber', operator: 'LIKE', values: ['10%'] },
        { property: 'Id', operator: 'IN', values: ['1', '2'] },
      ],
      orderBy: [
        { property: 'MetaData.CreateTime', descending: false },
        { property: 'Id', descending: true },
      ],
      startPosition: 11,
      maxResults: 50,
    })
  })

  test('orderby in one word, booleans and numbers without quotes', () => {
    const query = parseQuery(
      'select * from account where Active IN (true,false) and CurrentBalance <= -5.25 orderby Name',
    )
    expect(query.where[0]).toEqual({ property: 'Active', operator: 'IN', values: ['true', 'false'] })
    expect(query.where[1]).toEqual({ property: 'CurrentBalance', operator: '<=', values: ['-5.25'] })
    expect(query.orderBy).toEqual([{ property: 'Name', descending: false }])
  })

  test('count', () => {
    expect(parseQuery('select count(*) from Bill').count).toBe(true)
  })

  test('a backslash takes the next character as it is', () => {
    const query = parseQuery(
      String.raw`select * from Vendor where DisplayName = 'O\'Brien \\ Sons, and more'`,
    )
    expect(query.where[0]?.values).toEqual([String.raw`O'Brien \ Sons, and more`])
  })

  test('more than a thousand rows are not to be had', () => {
    expect(parseQuery('select * from Bill maxresults 5000').maxResults).toBe(1000)
  })

  test.each([
    'selec * from Bill',
    'select Id from Bill',
    'select * from Bill where Id',
    "select * from Bill where Id = 'open",
    "select * from Bill where Id = '1' or Id = '2'",
    "select * from Bill where Id = '1' group by Id",
    'select * from Bill maxresults',
    'select * from Bill where Id != 5',
    '',
  ])('%p is refused', (statement) => {
    expect(() => parseQuery(statement)).toThrow(QueryParserError)
  })
})
