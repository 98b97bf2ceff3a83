import type { Answer } from './answer.ts'
import { isJsonArray, isJsonObject, isNumberText, type Json, type JsonObject } from '../domain/parse-json.ts'

/** A fault as Intuit reports it, of either family, wherever it was found. */
export interface Fault {
  /** Leading zeros stripped; null if there is no readable code. */
  readonly code: string | null
  /** Such as `ValidationFault` or `AUTHENTICATION`; empty if there is none. */
  readonly type: string
  /** Message and detail in Intuit's words. */
  readonly text: string
}

/**
 * The first fault in an answer: capitalised (service) or lower case (gateway), in JSON at top level, in a
 * QueryResponse or in a CDC group, or in the gateway's XML. Null where there is none.
 */
export function findFault(answer: Answer): Fault | null {
  if (answer.body === undefined) return faultInXml(answer.text)
  for (const place of placesOf(answer.body)) {
    const fault = member(place, 'fault')
    if (isJsonObject(fault)) return readFault(fault)
  }
  return null
}

/** Every object of an envelope that may hold a fault: never a record. */
function placesOf(body: Json): JsonObject[] {
  if (!isJsonObject(body)) return []
  const groups = objectsIn(member(body, 'cdcresponse'))
  const responses = [body, ...groups].flatMap((place) => objectsIn(member(place, 'queryresponse')))
  return [body, ...groups, ...responses]
}

function readFault(fault: JsonObject): Fault {
  const errors = objectsIn(member(fault, 'error'))
  const first = errors[0] ?? {}
  const text = [member(first, 'message'), member(first, 'detail')].map(textOf).filter(Boolean).join(': ')
  return { code: codeOf(textOf(member(first, 'code')), text), type: textOf(member(fault, 'type')), text }
}

function faultInXml(text: string): Fault | null {
  const fault = /<(?:\w+:)?fault\b([^>]*)>([\s\S]*)/i.exec(text)
  if (!fault) return null
  const [, attributes = '', inside = ''] = fault
  const message = [elementIn(inside, 'message'), elementIn(inside, 'detail')].filter(Boolean).join(': ')
  return {
    code: codeOf(attributeIn(inside, 'code'), message),
    type: attributeIn(attributes, 'type'),
    text: message,
  }
}

function elementIn(xml: string, name: string): string {
  return new RegExp(`<(?:\\w+:)?${name}[^>]*>([^<]*)<`, 'i').exec(xml)?.[1] ?? ''
}

function attributeIn(xml: string, name: string): string {
  return new RegExp(`\\b${name}\\s*=\\s*["']([^"']*)["']`, 'i').exec(xml)?.[1] ?? ''
}

/** `003200`, `3200` and `errorCode=003200` in the message are one code. */
function codeOf(code: string, message: string): string | null {
  const digits = /^\d+$/.test(code) ? code : (/errorCode=(\d+)/i.exec(message)?.[1] ?? '')
  return digits.replace(/^0+/, '') || null
}

/** Intuit capitalises the same name in several ways. */
function member(object: JsonObject, lowerCaseName: string): Json | undefined {
  const name = Object.keys(object).find((key) => key.toLowerCase() === lowerCaseName)
  return name === undefined ? undefined : object[name]
}

function objectsIn(value: Json | undefined): JsonObject[] {
  return (isJsonArray(value) ? value : [value]).filter(isJsonObject)
}

function textOf(value: Json | undefined): string {
  if (isNumberText(value)) return value.rawJSON
  return typeof value === 'string' ? value : ''
}
