import { z } from 'zod'
import { plainText, timeZone } from '../request/fields.ts'

const LONGEST_TAG = 50
const MOST_TAGS = 50
// A promise of more than a week is no promise.
const LONGEST_LAG_MINUTES = 7 * 24 * 60
const LAG = `must be a whole number of minutes from 1 to ${LONGEST_LAG_MINUTES}, or null`
const TAGS = `must be a list of up to ${MOST_TAGS} texts`

/** What the firm says of a company. */
export const SETTINGS = z.strictObject({
  name: plainText(200).nullable().optional(),
  timeZone: timeZone.nullable().optional(),
  tags: z
    .array(plainText(LONGEST_TAG), { error: TAGS })
    .max(MOST_TAGS, TAGS)
    .transform((tags) => [...new Set(tags)])
    .optional(),
  maxLagMinutes: z.int({ error: LAG }).min(1, LAG).max(LONGEST_LAG_MINUTES, LAG).nullable().optional(),
})
