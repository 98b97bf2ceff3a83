import type { Request, Response } from 'express'
import { z } from 'zod'
import { oneOf, timeZone } from '../http/request/fields.ts'
import { addRoute } from '../http/request/route.ts'
import { readBody, readQuery } from '../http/request/validate.ts'
import { LOOK_COOKIE, lookText, THEMES } from './look.ts'
import { SEE_OTHER, addAction, type Pages } from './pages.ts'
import { momentAt } from './time/wall-clock.ts'

/** The forms in the frame around every page: how it looks, and which moment it shows. */
export function addFrameRoutes(pages: Pages): void {
  addAction(pages, '/console/look', (request, response) => Promise.resolve(setLook(request, response)))
  addRoute(pages.router, '/console/moment', {
    get: (request, response) => {
      response.redirect(SEE_OTHER, momentAddress(request))
    },
  })
}

/** A page of ours, as the frame's forms name it; anything else would lead away from here. */
const BACK = z
  .string()
  .regex(/^\/console(?:[/?].*)?$/, 'must be the address of a page of this console')
  .max(2000)

const LOOK = z.object({ back: BACK, theme: oneOf(THEMES), monochrome: z.literal('true').optional() })

// Longer than any browser keeps it.
const LOOK_MS = 400 * 24 * 3600 * 1000

function setLook(request: Request, response: Response): string {
  const { back, theme, monochrome } = readBody(request, LOOK)
  response.cookie(LOOK_COOKIE, lookText({ theme, monochrome: monochrome === 'true' }), {
    sameSite: 'lax',
    maxAge: LOOK_MS,
    path: '/',
  })
  return back
}

const AT = 'must be a date and time such as 2026-01-31T08:00'

const MOMENT = z.object({
  back: BACK,
  at: z
    .string({ error: AT })
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?$/, AT)
    .refine((reading) => !Number.isNaN(Date.parse(`${reading}Z`)), AT),
  zone: z.union([z.literal('UTC'), timeZone]),
  clock: oneOf(['ours', 'quickbooks']),
})

/** A date and time as a person gives them, as the moment in the address of the page they came from. */
function momentAddress(request: Request): string {
  const { back, at, zone, clock } = readQuery(request, MOMENT)
  const address = new URL(back, 'http://localhost')
  address.searchParams.set(clock === 'ours' ? 'asOf' : 'sourceAsOf', momentAt(at, zone).toISOString())
  return `${address.pathname}${address.search}`
}
