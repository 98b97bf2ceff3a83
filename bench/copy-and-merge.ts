import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import type { Version } from '../src/domain/change.ts'
import { plainRow } from './plain-row.ts'
import type { Way } from './way-to-write.ts'

const TABLE = 'bills_copied'
// Rows of text handed to the socket at once: one chunk a row would be all overhead.
const ROWS_A_CHUNK = 200

/** The quickest that Postgres offers: COPY into a temporary table, then one statement that inserts or replaces. */
export function copyAndMerge(rowsPerCommit: number): Way {
  return {
    name: rowsPerCommit === 1000 ? 'COPY and merge, 1,000 a commit' : 'COPY and merge, all at once',
    table: TABLE,
    async open(database) {
      return async (versions) => {
        const client = new pg.Client({ connectionString: database.url })
        await client.connect()
        try {
          for (let first = 0; first < versions.length; first += rowsPerCommit) {
            await copyOne(client, versions.slice(first, first + rowsPerCommit), database.clock.now())
          }
        } finally {
          await client.end()
        }
      }
    },
  }
}

async function copyOne(client: pg.Client, versions: readonly Version[], now: Date): Promise<void> {
  const columns = Object.keys(plainRow(versions[0]!, now))
  const names = columns.join(', ')
  await client.query('BEGIN')
  await client.query(
    `CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT ${names} FROM ${TABLE} WITH NO DATA`,
  )
  await pipeline(
    Readable.from(chunks(versions, columns, now)),
    client.query(from(`COPY incoming (${names}) FROM STDIN`)),
  )
  await client.query(
    `INSERT INTO ${TABLE} AS t (${names}) SELECT ${names} FROM incoming
     ON CONFLICT (realm_id, qbo_id) DO UPDATE
        SET ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}
      WHERE t.content_hash <> excluded.content_hash`,
  )
  await client.query('COMMIT')
}

function* chunks(versions: readonly Version[], columns: readonly string[], now: Date): Iterable<string> {
  for (let first = 0; first < versions.length; first += ROWS_A_CHUNK) {
    yield versions
      .slice(first, first + ROWS_A_CHUNK)
      .map((version) => {
        const row = plainRow(version, now)
        return `${columns.map((column) => copyText(row[column])).join('\t')}\n`
      })
      .join('')
  }
}

/** COPY's text format. */
function copyText(value: string | number | boolean | Date | null | undefined): string {
  if (value === null || value === undefined) return '\\N'
  const text = value instanceof Date ? value.toISOString() : String(value)
  return text.replace(/[\\\t\n\r]/g, (found) => ESCAPES[found] ?? found)
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }
