import type { Change } from '../../books/versions/change-of.ts'
import { html, type Markup } from '../html.ts'

/** What kind of change it was, in a word. */
export function changeMark(change: Change): Markup {
  const { word, tone } = WORDS[change]
  return html`<span class="flag ${tone}">${word}</span>`
}

export const WORDS: Readonly<Record<Change, { readonly word: string; readonly tone: string }>> = {
  created: { word: 'Created', tone: 'plain' },
  firstSeen: { word: 'First seen', tone: 'off' },
  edited: { word: 'Edited', tone: 'heals' },
  paid: { word: 'Paid', tone: 'fine' },
  partlyPaid: { word: 'Partly paid', tone: 'fine' },
  unpaid: { word: 'Unpaid', tone: 'heals' },
  voided: { word: 'Voided', tone: 'act' },
  deleted: { word: 'Deleted', tone: 'act' },
  restored: { word: 'Restored', tone: 'heals' },
  renamed: { word: 'Renamed', tone: 'plain' },
}
