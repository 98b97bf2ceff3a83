/** A JSON number that kept the digits it was written with; `JSON.stringify` writes the same digits back. */
export interface NumberText {
  readonly rawJSON: string
}

export interface JsonObject {
  readonly [key: string]: Json
}

/** A parsed JSON text whose numbers were never floats. */
export type Json = string | boolean | null | NumberText | readonly Json[] | JsonObject

// The part of JSON that the compiler's library lacks: a reviver receives the source text of a primitive, and rawJSON
// makes a value that is written as the given text.
interface SourceJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): NumberText
  isRawJSON(value: unknown): boolean
}

const sourceJson = JSON as unknown as SourceJson

/**
 * Parses JSON without losing a digit: 12345678901234567.89 and 315.0 stay as they were written.
 *
 * @throws SyntaxError when the text is not JSON; RangeError when it is nested deeper than the stack.
 */
export function parseJson(text: string): Json {
  return sourceJson.parse(text, keepDigits) as Json
}

export function isNumberText(value: Json | undefined): value is NumberText {
  return sourceJson.isRawJSON(value)
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isJsonArray(value) && !isNumberText(value)
}

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function keepDigits(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  return typeof value === 'number' && context.source !== undefined
    ? sourceJson.rawJSON(context.source)
    : value
}
