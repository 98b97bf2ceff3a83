import { html, type Markup } from '../html.ts'
import { fullSentence } from '../sentence.ts'

/** Books that have not been read yet are not empty: nobody may take this for “nothing is owed”. */
export function nothingYet(why: string): Markup {
  return html`<section class="sheet">
    <div class="empty">
      <h2>Not read yet</h2>
      <p class="lead">${fullSentence(why)}</p>
      <p class="quiet">Nothing is shown rather than nothing owed. This page looks again by itself.</p>
    </div>
  </section>`
}
