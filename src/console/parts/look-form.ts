import type { Address } from '../address.ts'
import { html, type Markup } from '../html.ts'
import { THEMES, type Look } from '../look.ts'

const LABELS = { system: 'As the computer', light: 'Light', dark: 'Dark' } as const

/** Choosing how the pages look; without a script as well. */
export function lookForm({ theme, monochrome }: Look, address: Address): Markup {
  return html`
    <form method="post" action="/console/look" class="stack" id="look">
      <input type="hidden" name="back" value="${address.path}?${address.query.toString()}" />
      <fieldset>
        <legend>Appearance</legend>
        ${THEMES.map(
          (known) =>
            html`<label
              ><input type="radio" name="theme" value="${known}" ${known === theme && html`checked`} />
              ${LABELS[known]}</label
            >`,
        )}
        <label
          ><input type="checkbox" name="monochrome" value="true" ${monochrome && html`checked`} /> Without
          colours</label
        >
      </fieldset>
      <button>Use</button>
    </form>
  `
}
