import type { Tone } from '../parts/state.ts'
import { toneOf } from '../remedy.ts'

/** The state of a company in a word, and how it is coloured. */
export function companyStateOf(company: {
  readonly status: string
  readonly statusReason: { readonly code: Parameters<typeof toneOf>[0] } | null
  readonly late: boolean
  readonly neverSynced: boolean
}): { tone: Tone; word: string } {
  const { status, statusReason, late, neverSynced } = company
  const known = STATES[status]
  if (known !== undefined) return known
  if (statusReason !== null && toneOf(statusReason.code) === 'act') {
    return { tone: 'act', word: WORDS[statusReason.code] ?? 'Needs action' }
  }
  if (neverSynced) return { tone: 'heals', word: 'First sync' }
  if (late) return { tone: 'heals', word: 'Late' }
  if (statusReason !== null) return { tone: 'heals', word: 'Retrying' }
  return { tone: 'fine', word: 'Fine' }
}

const STATES: Readonly<Record<string, { readonly tone: Tone; readonly word: string }>> = {
  paused: { tone: 'off', word: 'Paused' },
  disconnected: { tone: 'off', word: 'Disconnected' },
  needs_reauth: { tone: 'act', word: 'Reconnect' },
  unavailable: { tone: 'act', word: 'Subscription lapsed' },
}

const WORDS: Readonly<Record<string, string>> = {
  invalid_payload: 'Records rejected',
  poisoned_page: 'Records rejected',
  mass_disappearance: 'Records in doubt',
  app_misconfigured: 'App refused',
  budget_spent: 'Budget spent',
  token_unreadable: 'Key missing',
  wrong_environment: 'Wrong environment',
}
