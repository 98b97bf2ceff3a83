import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Answer, Statement, Value } from './recording.ts'

const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as {
  prepareValue: (value: unknown) => Value
}

// A statement that takes longer waits for a lock, and its holder must be let on.
const LOCKED_MS = 300

// Where no release's code is at work: the version of the server, and the queue, which keeps its own schema.
const NOT_OURS = /^select version\(\);$|pgboss/

interface Sent {
  readonly text: string
  readonly name?: string
  readonly values?: readonly unknown[]
}
type Done = (error: Error | null, result?: pg.QueryResult) => void
type Query = (this: pg.Client, sent: Sent | string, done: Done) => void

/** What pg's Result is asked to remember: the words of each row before they were parsed. */
interface Result {
  words?: (string | null)[][]
  fields: { name: string }[]
  rowCount: number | null
}

/**
 * From now on notes every statement that sessions of that application name send in this process, with its answer. One
 * at a time, so that sent anew one after another they meet the same rows.
 */
export function recordStatements(applicationName: string): Statement[] {
  keepWords()
  const statements: Statement[] = []
  const connections = new Map<pg.Client, number>()
  let last: Promise<unknown> = Promise.resolve()
  const prototype = pg.Client.prototype as unknown as { query: Query }
  const query = prototype.query
  prototype.query = function (sent, done) {
    const name = (this as unknown as { connectionParameters: { application_name?: string } })
      .connectionParameters.application_name
    const text = typeof sent === 'string' ? sent : sent.text
    if (name !== applicationName || NOT_OURS.test(text)) return query.call(this, sent, done)
    if (typeof text !== 'string' || typeof done !== 'function') throw new Error('not a statement to record')
    const { name: preparedAs, values: given = [] } = typeof sent === 'string' ? {} : sent
    const values = given.map(prepareValue)
    if (!connections.has(this)) connections.set(this, connections.size)
    const connection = connections.get(this)!
    const turn = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    void turn.then(() => {
      void wait(LOCKED_MS).then(resolve)
      query.call(this, sent, (error, result) => {
        const statement = { connection, text, values, answer: answerOf(error, result) }
        statements.push(preparedAs === undefined ? statement : { ...statement, name: preparedAs })
        resolve()
        done(error, result)
      })
    })
  }
  return statements
}

function keepWords(): void {
  const prototype = (pg as unknown as { Result: { prototype: unknown } }).Result.prototype as {
    parseRow: (this: Result, words: (string | null)[]) => unknown
  }
  const parseRow = prototype.parseRow
  prototype.parseRow = function (words) {
    this.words ??= []
    this.words.push([...words])
    return parseRow.call(this, words)
  }
}

function answerOf(error: Error | null, result: unknown): Answer {
  if (error !== null && error !== undefined) {
    if (error instanceof pg.DatabaseError && error.code !== undefined) return { refused: error.code }
    throw error
  }
  if (Array.isArray(result)) throw new Error('several statements in one cannot be recorded')
  const { fields, words, rowCount } = result as Result
  return { columns: fields.map(({ name }) => name), rows: words ?? [], count: rowCount }
}
