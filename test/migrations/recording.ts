import { readFile, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'

/** The statements that the code of a release sent over its life, in the order in which Postgres finished them. */
export type Recording = readonly [before: readonly Statement[], after: readonly Statement[]]

export interface Statement {
  /** Which of the pool's connections sent it: what belongs to one transaction has one number. */
  readonly connection: number
  readonly text: string
  /** Under which its connection prepared it; absent where it was not prepared. */
  readonly name?: string
  readonly values: readonly Value[]
  readonly answer: Answer
}

/** As it went over the wire: in text form, or in binary form as bytes. */
export type Value = string | Buffer | null

/** Values as Postgres wrote them; a refusal by its SQLSTATE. */
export type Answer =
  | {
      readonly columns: readonly string[]
      readonly rows: readonly (readonly (string | null)[])[]
      readonly count: number | null
    }
  | { readonly refused: string }

/**
 * As lines of JSON, packed. One line a statement: `[connection, number of the text, values, answer]`, and the name as a
 * fifth where it was prepared. A text stands alone in a line before its first use, and `null` parts what was sent
 * before the upgrade from what comes after.
 */
type Line =
  string | null | [number, number, WrittenValue[], Answer] | [number, number, WrittenValue[], Answer, string]

type WrittenValue = string | { readonly binary: string } | null

/** Throws, and writes nothing, when a value is none that could be sent again as it was. */
export async function writeRecording(file: string, recording: Recording): Promise<void> {
  const texts = new Map<string, number>()
  const lines: Line[] = []
  const add = ({ connection, text, name, values, answer }: Statement) => {
    if (!texts.has(text)) {
      texts.set(text, texts.size)
      lines.push(text)
    }
    const written = values.map(toWritten)
    const number = texts.get(text)!
    lines.push(
      name === undefined
        ? [connection, number, written, answer]
        : [connection, number, written, answer, name],
    )
  }
  recording[0].forEach(add)
  lines.push(null)
  recording[1].forEach(add)
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  await writeFile(file, gzipSync(text, { level: 9 }))
}

export async function readRecording(file: string): Promise<Recording> {
  const texts: string[] = []
  const before: Statement[] = []
  const after: Statement[] = []
  let part = before
  const lines = gunzipSync(await readFile(file))
    .toString()
    .trimEnd()
    .split('\n')
  for (const written of lines) {
    const line = JSON.parse(written) as Line
    if (line === null) part = after
    else if (typeof line === 'string') texts.push(line)
    else part.push(toStatement(line, texts))
  }
  return [before, after]
}

function toStatement(
  [connection, number, values, answer, name]: Exclude<Line, string | null>,
  texts: readonly string[],
): Statement {
  const statement = { connection, text: texts[number]!, values: values.map(toValue), answer }
  return name === undefined ? statement : { ...statement, name }
}

/** How a recording tells of a value. */
export function toWritten(value: Value): WrittenValue {
  if (value === null || typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return { binary: value.toString('base64') }
  throw new Error(`A value that cannot be recorded: ${inspect(value)}`)
}

function toValue(written: WrittenValue): Value {
  return written === null || typeof written === 'string' ? written : Buffer.from(written.binary, 'base64')
}
