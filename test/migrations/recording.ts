import { readFile, writeFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'

/** The statements that the code of a release sent over its life, in the order in which Postgres finished them. */
export type Recording = readonly [before: readonly Statement[], after: readonly Statement[]]

export interface Statement {
  /** Which of the pool's connections sent it: what belongs to one transaction has one number. */
  readonly connection: number
  readonly text: string
  /** As they went over the wire. */
  readonly values: readonly (string | null)[]
  readonly answer: Answer
}

/** Values as Postgres wrote them; a refusal by its SQLSTATE. */
export type Answer =
  | {
      readonly columns: readonly string[]
      readonly rows: readonly (readonly (string | null)[])[]
      readonly count: number | null
    }
  | { readonly refused: string }

/**
 * As lines of JSON, packed. One line a statement: `[connection, number of the text, values, answer]`. A text stands alone in a line before its
 * first use, and `null` parts what was sent before the upgrade from what comes after.
 */
type Line = string | null | [number, number, Statement['values'], Answer]

export async function writeRecording(file: string, recording: Recording): Promise<void> {
  const texts = new Map<string, number>()
  const lines: Line[] = []
  const add = ({ connection, text, values, answer }: Statement) => {
    if (!texts.has(text)) {
      texts.set(text, texts.size)
      lines.push(text)
    }
    lines.push([connection, texts.get(text)!, values, answer])
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
    else part.push({ connection: line[0], text: texts[line[1]]!, values: line[2], answer: line[3] })
  }
  return [before, after]
}
