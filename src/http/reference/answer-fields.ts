import { z } from 'zod'
import { CHANGES } from '../../books/versions/change-of.ts'
import { COMPANY_STATUSES } from '../../domain/company.ts'
import { ENTITIES } from '../../domain/entity.ts'
import { ERROR_CODES } from '../../domain/ledger-error.ts'

// What the schemas of answers are made of.

export const time = z.iso.datetime()
export const day = z.iso.date()
export const amount = z.string().regex(/^-?\d+(?:\.\d+)?$/)
export const text = z.string()
export const id = z.string().regex(/^\d+$/)
export const count = z.int().nonnegative()
export const rowNumber = z.int().positive()
export const code = z.enum(ERROR_CODES)
export const status = z.enum(COMPANY_STATUSES)
export const entity = z.enum(ENTITIES)
export const change = z.enum(CHANGES)
export const json: z.ZodType = z.unknown()

const REASON = z.strictObject({ code, message: text })

export const STATE = {
  status,
  statusReason: REASON.nullable(),
  whatToDo: text.nullable(),
}

/** A page of a list. */
export function pageOf(row: z.ZodType) {
  return z.strictObject({ data: z.array(row), nextCursor: text.nullable() })
}

export const COMPANY_NAME = { realmId: id, name: text.nullable(), tags: z.array(text) }
