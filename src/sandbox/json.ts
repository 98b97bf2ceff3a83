/** A number that keeps its spelling (`315.0`): made by `numberToken`, written as it is. */
export interface NumberToken {
  readonly rawJSON: string
}

export type JsonValue = string | number | boolean | null | NumberToken | JsonValue[] | JsonObject
export interface JsonObject {
  [key: string]: JsonValue | undefined
}

// TypeScript's library does not declare the raw JSON calls that Node 24 has.
const raw = JSON as unknown as {
  rawJSON(text: string): NumberToken
  isRawJSON(value: unknown): value is NumberToken
  parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): unknown
}

export function numberToken(text: string): NumberToken {
  return raw.rawJSON(text)
}

export function isNumberToken(value: unknown): value is NumberToken {
  return raw.isRawJSON(value)
}

/** Parses so that writing again gives every number back digit for digit. Throws SyntaxError. */
export function parseKeepingNumbers(text: string): JsonObject {
  const keep = (_key: string, value: unknown, context: { source: string }) =>
    typeof value === 'number' ? raw.rawJSON(context.source) : value
  return raw.parse(text, keep) as JsonObject
}

/** Calls `visit` with every object inside `value` and the key under which it stands. */
export function visitObjects(
  value: unknown,
  visit: (key: string, object: JsonObject) => void,
  key = '',
): void {
  if (typeof value !== 'object' || value === null || isNumberToken(value)) return
  if (Array.isArray(value)) {
    for (const item of value) visitObjects(item, visit, key)
    return
  }
  visit(key, value as JsonObject)
  for (const [name, child] of Object.entries(value)) visitObjects(child, visit, name)
}
