import pg from 'pg'
import { momentOf } from '../../src/books/moment.ts'
import { toWritten, type Answer, type Statement } from './recording.ts'

/**
 * Sends statements again, on as many connections as they came from and prepared as they were. Open across an upgrade,
 * as a process's connections are.
 */
export interface Replay {
  /** Throws an Error that shows the first statement whose answer is not the recorded one. */
  send(statements: readonly Statement[]): Promise<void>
  close(): Promise<void>
}

// Of Postgres's own clock or of its transactions: another time they hold something else, and are null when they were.
const NEVER_THE_SAME = new Set([
  'valid_from',
  'validFrom',
  'valid_to',
  'heartbeat_at',
  'tx_id',
  'recent_calls',
  'ageMs',
  'callAgesMs',
  'complete_since',
  'latest',
  'sortValue',
])

export function openReplay(url: string): Replay {
  const clients = new Map<number, pg.Client>()
  const moments = new Map<string, string>()
  const clientOf = async (connection: number) => {
    const known = clients.get(connection)
    if (known !== undefined) return known
    const client = new pg.Client({
      connectionString: url,
      types: { getTypeParser: () => (words: string) => words },
      options: '-c TimeZone=UTC -c DateStyle=ISO,MDY -c IntervalStyle=postgres',
    })
    clients.set(connection, client)
    await client.connect()
    return client
  }
  return {
    async send(statements) {
      for (const [place, statement] of statements.entries()) {
        const values = statement.values.map((value) => moments.get(String(value)) ?? value)
        const answer = await send(await clientOf(statement.connection), { ...statement, values })
        learnMoments(moments, statement.answer, answer)
        const difference = compare(statement, answer)
        if (difference !== null) throw new Error(tell(place, statement, difference))
      }
    },
    async close() {
      for (const client of clients.values()) await client.end()
    },
  }
}

// Moments that were answered and are asked for later: this time they are others.
const ASKED_AGAIN = ['validFrom', 'latest']

function learnMoments(moments: Map<string, string>, recorded: Answer, actual: Answer): void {
  if ('refused' in recorded || 'refused' in actual || recorded.rows.length !== actual.rows.length) return
  for (const column of ASKED_AGAIN) {
    const [was, is] = [recorded, actual].map(({ columns }) => columns.indexOf(column)) as [number, number]
    if (was === -1 || is === -1) continue
    for (const [index, row] of recorded.rows.entries()) {
      const [before, now] = [row[was], actual.rows[index]![is]]
      if (typeof before === 'string' && typeof now === 'string') moments.set(momentOf(before), momentOf(now))
    }
  }
}

async function send(client: pg.Client, { text, name, values }: Statement): Promise<Answer> {
  try {
    const prepared = name === undefined ? {} : { name }
    const query = { text, ...prepared, values: [...values], rowMode: 'array' as const }
    const { fields, rows, rowCount } = await client.query<(string | null)[]>(query)
    return { columns: fields.map(({ name }) => name), rows, count: rowCount }
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code !== undefined) {
      return { refused: `${error.code} ${error.message}` }
    }
    throw error
  }
}

/**
 * The answer must be the recorded one: the same refusal, or as many rows with the same values, in the same order where
 * the statement asks for one. A `*` may bring columns that came since; it may not lose one.
 *
 * @returns what is different, null when nothing is.
 */
function compare({ text, answer: expected }: Statement, actual: Answer): string | null {
  if ('refused' in expected || 'refused' in actual) {
    const [wanted, got] = [expected, actual].map((answer) =>
      'refused' in answer ? answer.refused : 'an answer',
    ) as [string, string]
    return got.startsWith(wanted) ? null : `expected ${wanted}, got ${got}`
  }
  if (actual.count !== expected.count) return `expected ${expected.count} rows, got ${actual.count}`
  const missing = expected.columns.filter((column) => !actual.columns.includes(column))
  if (missing.length > 0) return `the answer lacks ${missing.join(', ')}`
  const added = actual.columns.filter((column) => !expected.columns.includes(column))
  if (added.length > 0 && !text.includes('*')) return `the answer has gained ${added.join(', ')}`
  const isOrdered = /\border by\b[^()]*$/i.test(text)
  const wanted = comparable(expected, expected.columns, isOrdered)
  const got = comparable(actual, expected.columns, isOrdered)
  const place = wanted.findIndex((row, index) => row !== got[index])
  return place === -1 ? null : `row ${place + 1}:\n  expected ${wanted[place]}\n  got      ${got[place]}`
}

function comparable(
  { columns, rows }: Exclude<Answer, { refused: string }>,
  shown: readonly string[],
  isOrdered: boolean,
): string[] {
  const places = shown.map((column) => columns.indexOf(column))
  const texts = rows.map((row) =>
    JSON.stringify(
      Object.fromEntries(
        places.map((place, index) => [shown[index]!, toCompare(shown[index]!, row[place] ?? null)]),
      ),
    ),
  )
  return isOrdered ? texts : texts.sort()
}

function toCompare(column: string, value: string | null): string | null {
  return value !== null && NEVER_THE_SAME.has(column) ? 'some value' : value
}

function tell(place: number, { text, values }: Statement, difference: string): string {
  return `Statement ${place + 1}: ${difference}\nof: ${text}\nwith: ${JSON.stringify(values.map(toWritten)).slice(0, 2000)}`
}
