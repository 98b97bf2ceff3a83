import { parseJson, type Json } from '../domain/parse-json.ts'

/** One HTTP answer, of whatever kind. */
export interface Answer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The body when it is JSON, whatever its content type says; undefined when it is not. */
  readonly body: Json | undefined
}

export function readAnswer(status: number, headers: Readonly<Record<string, string>>, text: string): Answer {
  return { status, headers, text, body: parsedOrUndefined(text) }
}

/** Intuit's own number of the call. */
export function intuitTidOf(answer: Answer): string | null {
  return answer.headers['intuit_tid'] ?? null
}

export function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status < 300
}

function parsedOrUndefined(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
