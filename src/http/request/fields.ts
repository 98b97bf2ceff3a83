import { z } from 'zod'
import { momentFrom } from '../../books/moment.ts'

/** Fields shared by many requests. Each message continues a sentence that begins with the field's name. */

/** A text of a given form; the message also covers a list or a number in its place. */
export function textLike(form: RegExp, message: string) {
  return z.string({ error: message }).regex(form, message)
}

/** Intuit's ids are digits; it does not say how many. */
export const INTUIT_ID_DIGITS = 32

/** The id of a row of ours: this many digits are exact in every number type on the way. */
export const ROW_ID_DIGITS = 15

export const realmId = textLike(/^\d{1,32}$/, 'must be the realm id of a company, up to 32 digits')

export const qboId = textLike(/^\d{1,32}$/, 'must be the Id of a QuickBooks record, up to 32 digits')

export const rowId = textLike(/^\d{1,15}$/, 'must be a whole number of up to 15 digits').transform(Number)

export const limit = textLike(/^(?:[1-9]\d{0,2}|1000)$/, 'must be a whole number from 1 to 1000')
  .transform(Number)
  .default(100)

export const flag = textLike(/^(?:true|false)$/, 'must be true or false')
  .transform((text) => text === 'true')
  .default(false)

const DATE = 'must be a date such as 2026-01-31'

/** A day of the calendar that Postgres knows too: it has no year 0. */
export const date = z
  .string({ error: DATE })
  .pipe(z.iso.date({ error: DATE, abort: true }))
  .refine((day) => !day.startsWith('0000'), DATE)

const MOMENT = 'must be a time such as 2026-01-31T08:00:00Z'

export const moment = z
  .string({ error: MOMENT })
  .pipe(z.iso.datetime({ offset: true, error: MOMENT }))
  .transform((text) => new Date(text))

/**
 * A time to the microsecond, in UTC, so that a version's `validFrom` can be used as a parameter unchanged. A `Date`
 * would truncate it and find the version before.
 */
export const instant = z
  .string({ error: MOMENT })
  .pipe(z.iso.datetime({ offset: true, error: MOMENT }))
  .transform((text, context) => {
    const at = momentFrom(text)
    if (at !== null) return at
    context.addIssue({ code: 'custom', message: MOMENT })
    return z.NEVER
  })

export const decimal = textLike(/^-?\d{1,30}(?:\.\d{1,30})?$/, 'must be an amount such as 100 or -2.50')

export const wholeSeconds = textLike(/^\d{1,8}$/, 'must be a whole number of seconds').transform(Number)

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` })
}

/** A text for people or from a third party; control characters belong in neither. */
export function plainText(longest: number) {
  const message = `must be a text of 1 to ${longest} characters`
  return z
    .string({ error: message })
    .min(1, message)
    .max(longest, message)
    .regex(/^\P{Cc}*$/u, message)
}

const TIME_ZONE = 'must be the name of a time zone such as America/New_York'

/** A name that both sides know: an offset would change its sign on the way to Postgres. */
export const timeZone = textLike(/^[A-Z][A-Za-z_+\-/0-9]{1,49}$/, TIME_ZONE).refine((name) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}, TIME_ZONE)

export const NO_FIELDS = z.strictObject({})
