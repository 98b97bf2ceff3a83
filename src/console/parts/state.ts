import { html, type Markup } from '../html.ts'

/** Red asks for a person, amber heals itself, grey is off, green is fine. */
export type Tone = 'act' | 'heals' | 'off' | 'fine'

/** A state in a word; the sign says the same without colour. */
export function stateMark(tone: Tone, word: string): Markup {
  return html`<span class="state ${tone}">${SIGNS[tone]}${word}</span>`
}

const SIGNS: Readonly<Record<Tone, Markup>> = {
  act: html`<svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M8 1.5 15 14H1Z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" />
    <path d="M8 6v4M8 11.6v.8" stroke="currentColor" stroke-width="1.6" />
  </svg>`,
  heals: html`<svg viewBox="0 0 16 16" aria-hidden="true">
    <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" />
    <path d="M8 4.6V8l2.4 1.6" fill="none" stroke="currentColor" stroke-width="1.6" />
  </svg>`,
  off: html`<svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M5.5 3.5v9M10.5 3.5v9" stroke="currentColor" stroke-width="1.8" />
  </svg>`,
  fine: html`<svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="m2.8 8.6 3.4 3.4 7-8" fill="none" stroke="currentColor" stroke-width="1.8" />
  </svg>`,
}
