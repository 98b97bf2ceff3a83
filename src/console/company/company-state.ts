import { flagsOf, groupOf, type Judged } from '../../books/portfolio/flags.ts'
import type { Tone } from '../parts/state.ts'

/** The state of a company in a word, and how it is coloured: by the same flags and groups as the portfolio. */
export function companyStateOf(company: Judged): { tone: Tone; word: string } {
  const flags = flagsOf(company)
  switch (groupOf(flags)) {
    case 'off':
      return { tone: 'off', word: flags.includes('paused') ? 'Paused' : 'Disconnected' }
    case 'action':
      return { tone: 'act', word: actionWord(company) }
    case 'first':
      return { tone: 'heals', word: 'First sync' }
    case 'late':
      return { tone: 'heals', word: 'Late' }
    case 'fine':
      return flags.includes('failing') ? { tone: 'heals', word: 'Retrying' } : { tone: 'fine', word: 'Fine' }
  }
}

function actionWord({ status, statusReason, rejects }: Judged): string {
  if (status === 'needs_reauth') return 'Reconnect'
  if (status === 'unavailable') return 'Subscription lapsed'
  const word = statusReason === null ? undefined : WORDS[statusReason.code]
  return word ?? (rejects > 0 ? 'Records rejected' : 'Needs action')
}

const WORDS: Readonly<Record<string, string>> = {
  invalid_payload: 'Records rejected',
  poisoned_page: 'Records rejected',
  mass_disappearance: 'Records in doubt',
  app_misconfigured: 'App refused',
  budget_spent: 'Budget spent',
  quota_exhausted: 'Quota used up',
  token_unreadable: 'Key missing',
  wrong_environment: 'Wrong environment',
}
