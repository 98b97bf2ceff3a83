/** A statement of QuickBooks' query language. Names are as written; nothing is checked against an entity yet. */
export interface Query {
  count: boolean
  entity: string
  where: Condition[]
  orderBy: { property: string; descending: boolean }[]
  startPosition: number
  maxResults: number
}

export type Operator = '=' | '<' | '>' | '<=' | '>=' | 'IN' | 'LIKE'

export interface Condition {
  property: string
  operator: Operator
  /** One value, but for IN. */
  values: string[]
}

/** The statement is no query (fault 4000). */
export class QueryParserError extends Error {}

const DEFAULT_MAX_RESULTS = 100
const CEILING = 1000

const TOKEN = /\s*(?:'((?:[^'\\]|\\.)*)'|(<=|>=|[=<>(),*])|([A-Za-z_][\w.]*)|(-?\d+(?:\.\d+)?))/y

type Token = { kind: 'literal' | 'symbol' | 'word' | 'number'; text: string }

/** Throws QueryParserError. */
export function parseQuery(statement: string): Query {
  const reader = readerOf(tokensOf(statement))
  reader.word('select')
  const count = selection(reader)
  reader.word('from')
  const query: Query = {
    count,
    entity: reader.name(),
    where: [],
    orderBy: [],
    startPosition: 1,
    maxResults: DEFAULT_MAX_RESULTS,
  }
  if (reader.tryWord('where')) query.where = conditions(reader)
  if (reader.tryWord('orderby') || (reader.tryWord('order') && reader.word('by')))
    query.orderBy = order(reader)
  if (reader.tryWord('startposition')) query.startPosition = reader.number()
  if (reader.tryWord('maxresults')) query.maxResults = Math.min(CEILING, reader.number())
  reader.end()
  return query
}

function selection(reader: Reader): boolean {
  if (reader.trySymbol('*')) return false
  reader.word('count')
  reader.symbol('(')
  reader.symbol('*')
  reader.symbol(')')
  return true
}

function conditions(reader: Reader): Condition[] {
  const list = [condition(reader)]
  while (reader.tryWord('and')) list.push(condition(reader))
  return list
}

function condition(reader: Reader): Condition {
  const property = reader.name()
  if (reader.tryWord('like')) return { property, operator: 'LIKE', values: [reader.value()] }
  if (reader.tryWord('in')) return { property, operator: 'IN', values: valueList(reader) }
  for (const operator of ['=', '<=', '>=', '<', '>'] as const) {
    if (reader.trySymbol(operator)) return { property, operator, values: [reader.value()] }
  }
  throw reader.unexpected()
}

function valueList(reader: Reader): string[] {
  reader.symbol('(')
  const values = [reader.value()]
  while (reader.trySymbol(',')) values.push(reader.value())
  reader.symbol(')')
  return values
}

function order(reader: Reader): Query['orderBy'] {
  const list: Query['orderBy'] = []
  do {
    const property = reader.name()
    const descending = reader.tryWord('desc')
    if (!descending) reader.tryWord('asc')
    list.push({ property, descending })
  } while (reader.trySymbol(','))
  return list
}

interface Reader {
  word(word: string): true
  tryWord(word: string): boolean
  symbol(symbol: string): void
  trySymbol(symbol: string): boolean
  name(): string
  number(): number
  value(): string
  end(): void
  unexpected(): QueryParserError
}

function readerOf(tokens: Token[]): Reader {
  let at = 0
  const unexpected = () =>
    new QueryParserError(`Encountered "${tokens[at]?.text ?? '<EOF>'}" at token ${at + 1}`)
  const isWord = (word: string) => tokens[at]?.kind === 'word' && tokens[at]?.text.toLowerCase() === word
  const tryWord = (word: string) => isWord(word) && ++at > 0
  const trySymbol = (symbol: string) =>
    tokens[at]?.kind === 'symbol' && tokens[at]?.text === symbol && ++at > 0
  const take = (...kinds: Token['kind'][]) => {
    const token = tokens[at]
    if (!token || !kinds.includes(token.kind)) throw unexpected()
    at += 1
    return token.text
  }
  return {
    unexpected,
    tryWord,
    trySymbol,
    word: (word) => {
      if (!tryWord(word)) throw unexpected()
      return true
    },
    symbol: (symbol) => {
      if (!trySymbol(symbol)) throw unexpected()
    },
    name: () => take('word'),
    number: () => Number(take('number', 'literal')),
    value: () => {
      if (isWord('true') || isWord('false')) return take('word').toLowerCase()
      return take('literal', 'number')
    },
    end: () => {
      if (at < tokens.length) throw unexpected()
    },
  }
}

/** A backslash inside a literal escapes what follows it. */
function tokensOf(statement: string): Token[] {
  const tokens: Token[] = []
  const text = statement.trim()
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match) throw new QueryParserError(`Lexical error at column ${from + 1}`)
    const [, literal, symbol, word, number] = match
    if (literal !== undefined) tokens.push({ kind: 'literal', text: literal.replace(/\\(.)/gs, '$1') })
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else tokens.push({ kind: 'number', text: number ?? '' })
  }
  return tokens
}
