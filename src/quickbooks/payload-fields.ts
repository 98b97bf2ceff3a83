import { LedgerError } from '../domain/ledger-error.ts'
import { normalDecimal } from '../domain/money.ts'
import { isCalendarDate, parseMoment } from './moment.ts'
import { isJsonObject, isNumberText, type Json, type JsonObject } from '../domain/parse-json.ts'

// Enough of a wrong value to recognise it, too little to flood a log line.
const LONGEST_QUOTE = 80

/**
 * The readers of a payload's fields. QuickBooks omits fields without a value, so an absent one is null, as is a JSON
 * null; a present one of the wrong form throws `invalid_payload`, naming the field and what was found.
 */
export function textField(payload: JsonObject, name: string): string | null {
  const value = payload[name] ?? null
  if (value === null || typeof value === 'string') return value
  if (isNumberText(value)) return value.rawJSON
  throw invalidField(name, value, 'a text')
}

export function requiredText(payload: JsonObject, name: string): string {
  const text = textField(payload, name)
  if (text === null || text === '') throw invalidField(name, payload[name], 'a text')
  return text
}

/** Decimal text in normal form, from a JSON number or numeric text, never through a float. */
export function amountField(payload: JsonObject, name: string): string | null {
  const value = payload[name] ?? null
  if (value === null) return null
  const text = isNumberText(value) ? value.rawJSON : value
  const amount = typeof text === 'string' ? normalDecimal(text) : null
  if (amount === null) throw invalidField(name, value, 'an amount')
  return amount
}

export function requiredAmount(payload: JsonObject, name: string): string {
  const amount = amountField(payload, name)
  if (amount === null) throw invalidField(name, payload[name], 'an amount')
  return amount
}

export function dateField(payload: JsonObject, name: string): string | null {
  const value = payload[name] ?? null
  if (value === null) return null
  if (typeof value !== 'string' || !isCalendarDate(value)) throw invalidField(name, value, 'a date')
  return value
}

export function requiredDate(payload: JsonObject, name: string): string {
  const date = dateField(payload, name)
  if (date === null) throw invalidField(name, payload[name], 'a date')
  return date
}

export function momentField(payload: JsonObject, name: string, path: string): Date | null {
  const value = payload[name] ?? null
  if (value === null) return null
  const moment = typeof value === 'string' ? parseMoment(value) : null
  if (!moment) throw invalidField(path, value, 'a time with an offset')
  return moment
}

/** A list record without `Active` is active: QuickBooks' default. */
export function activeField(payload: JsonObject): boolean {
  const value = payload['Active'] ?? true
  if (typeof value !== 'boolean') throw invalidField('Active', value, 'true or false')
  return value
}

/** A reference such as `VendorRef`: the id, and the name when it was read. */
export function refField(
  payload: JsonObject,
  name: string,
): { readonly value: string | null; readonly name: string | null } {
  const ref = objectField(payload, name)
  return ref ? { value: textField(ref, 'value'), name: textField(ref, 'name') } : { value: null, name: null }
}

export function objectField(payload: JsonObject, name: string): JsonObject | null {
  const value = payload[name] ?? null
  if (value === null || isJsonObject(value)) return value
  throw invalidField(name, value, 'an object')
}

export function invalidField(path: string, value: Json | undefined, wanted: string): LedgerError {
  const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, LONGEST_QUOTE)
  return new LedgerError('invalid_payload', `${path} should be ${wanted}, and ${found} stood there`)
}
