import { sentence } from '../books/versions/plain-words.ts'

/** What an error says, as a sentence of its own: with a capital at its beginning and a full stop at its end. */
export function fullSentence(text: string): string {
  return /[.!?]$/.test(text) ? sentence(text) : `${sentence(text)}.`
}
