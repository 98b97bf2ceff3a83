import type { Request } from 'express'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

/** How the pages look to one browser; kept in a cookie of its own, which is no secret. */
export interface Look {
  readonly theme: Theme
  /** Without colours: states are told by words and signs alone. */
  readonly monochrome: boolean
  /** Where the reader is, an IANA name; null until the browser has said so. */
  readonly zone: string | null
}

export const LOOK_COOKIE = 'ledger_look'
export const ZONE_COOKIE = 'ledger_zone'

export function lookOf(request: Request): Look {
  const [theme, tone] = (cookie(request, LOOK_COOKIE) ?? '').split('.')
  const zone = cookie(request, ZONE_COOKIE)
  return {
    theme: THEMES.find((known) => known === theme) ?? 'system',
    monochrome: tone === 'mono',
    zone: zone !== null && isZone(zone) ? zone : null,
  }
}

/** The cookie's value for a look. */
export function lookText({ theme, monochrome }: Omit<Look, 'zone'>): string {
  return `${theme}.${monochrome ? 'mono' : 'colour'}`
}

function cookie({ headers }: Request, name: string): string | null {
  for (const part of (headers.cookie ?? '').split('; ')) {
    if (part.startsWith(`${name}=`)) return decoded(part.slice(name.length + 1))
  }
  return null
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

function isZone(name: string): boolean {
  // An offset is no zone of Postgres', and its sign would be the other way round there.
  if (!/^[A-Z][\w+\-/]{1,49}$/i.test(name) || /^[+-]/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
