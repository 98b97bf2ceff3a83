import { Writable } from 'node:stream'
import { createLog, type Logger } from '../../src/log.ts'

/** A log that nobody reads but the test. */
export interface KeptLog {
  readonly log: Logger
  /** What was logged so far, oldest first; of one level where it is named. */
  readonly lines: (level?: string) => LogLine[]
}

export type LogLine = Record<string, unknown> & { readonly level: string; readonly message: string }

export function keptLog(): KeptLog {
  const lines: LogLine[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as LogLine)
      done()
    },
  })
  return {
    log: createLog({ level: 'debug', format: 'json', secrets: () => [], stream }),
    lines: (level) => lines.filter((line) => level === undefined || line.level === level),
  }
}
