import { parseJson, type Json } from '../domain/parse-json.ts'

/** One HTTP answer as it came. */
export interface Reply {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** The body, decompressed. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** One HTTP answer, of whatever kind. */
export interface Answer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The parsed body if it is JSON, whatever its content type says; else undefined. */
  readonly body: Json | undefined
}

export function readAnswer({ status, headers, bytes }: Reply): Answer {
  // Drops a byte order mark and replaces invalid UTF-8.
  const text = new TextDecoder().decode(bytes)
  return { status, headers, text, body: parsedOrUndefined(text) }
}

/** Intuit's own id of the call. */
export function intuitTidOf({ headers }: Pick<Answer, 'headers'>): string | null {
  return headers['intuit_tid'] ?? null
}

export function isSuccess({ status }: Pick<Answer, 'status'>): boolean {
  return status >= 200 && status < 300
}

function parsedOrUndefined(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
