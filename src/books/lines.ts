import { normalDecimal } from '../domain/money.ts'
import { isJsonArray, isJsonObject, isNumberText, parseJson, type Json } from '../domain/parse-json.ts'

/**
 * The lines of a bill or an invoice as QuickBooks has them, with keys in camelCase and every number as decimal text,
 * because only QuickBooks knows which of them are money.
 *
 * @param text the payload's `Line` as JSON text, null if it has none.
 */
export function linesOf(text: string | null): unknown {
  const lines = text === null ? [] : parseJson(text)
  return isJsonArray(lines) ? lines.map(renamed) : []
}

function renamed(value: Json): unknown {
  if (isNumberText(value)) return normalDecimal(value.rawJSON) ?? value.rawJSON
  if (isJsonArray(value)) return value.map(renamed)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [beginSmall(key), renamed(inner)]))
}

/** `DetailType` is `detailType`, `APAccountRef` is `apAccountRef`. */
function beginSmall(key: string): string {
  return key.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]+$|^[A-Z]/, (capitals) => capitals.toLowerCase())
}
