import type { Answer } from './answer.ts'
import { readSingle, unexpected } from './envelope.ts'
import { isJsonObject, type Json, type JsonObject } from '../domain/parse-json.ts'

export interface CompanyInfo {
  readonly observedAt: Date
  readonly name: string
  readonly country: string | null
  /** IANA name. */
  readonly timeZone: string | null
}

export interface Preferences {
  readonly observedAt: Date
  /** ISO 4217. */
  readonly homeCurrency: string | null
}

/** Only the name is required; anything else missing or damaged counts as unknown. */
export function readCompanyInfo(answer: Answer): CompanyInfo {
  const { object, observedAt } = readSingle(answer, 'CompanyInfo')
  const name = textIn(object, 'CompanyName')
  if (!name) throw unexpected(answer, 'a CompanyName')
  const timeZone = textIn(object, 'DefaultTimeZone')
  return {
    observedAt,
    name,
    country: textIn(object, 'Country'),
    timeZone: timeZone !== null && isTimeZone(timeZone) ? timeZone : null,
  }
}

export function readPreferences(answer: Answer): Preferences {
  const { object, observedAt } = readSingle(answer, 'Preferences')
  const homeCurrency = objectIn(objectIn(object, 'CurrencyPrefs'), 'HomeCurrency')
  return { observedAt, homeCurrency: textIn(homeCurrency, 'value') }
}

function textIn(object: JsonObject, name: string): string | null {
  const value: Json | undefined = object[name]
  return typeof value === 'string' ? value : null
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name]
  return isJsonObject(value) ? value : {}
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
