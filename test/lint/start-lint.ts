import { startChild } from '../setup/child-process.ts'

export interface Complaint {
  /** Null for a text that does not parse, or a directive of the lint itself. */
  readonly rule: string | null
  readonly message: string
  readonly line: number
}

export interface Lint {
  /** What the project's lint says about a text, were it the file at `path` (from the root of the repository). */
  lintText(path: string, text: string): Promise<Complaint[]>
  stop(): Promise<void>
}

/** Starts the project's lint outside jest, whose modules make it slow and keep it from ending. One text at a time. */
export function startLint(): Lint {
  const child = startChild(new URL('answer-lint.ts', import.meta.url))
  return {
    lintText: async (path, text) => {
      child.say(JSON.stringify({ path, text }))
      return JSON.parse(await child.hear()) as Complaint[]
    },
    stop: child.kill,
  }
}
