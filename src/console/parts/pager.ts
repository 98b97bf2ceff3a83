import { changed, type Address } from '../address.ts'
import { html, type Markup } from '../html.ts'

/** To the next page of a list, and to its first. Nothing for a list of one page. */
export function pager(address: Address, nextCursor: string | null): Markup | null {
  const isFirst = !address.query.has('cursor')
  if (isFirst && nextCursor === null) return null
  return html`<nav class="pager" aria-label="Pages">
    ${isFirst ? html`<span></span>` : html`<a class="button" href="${changed(address, { cursor: null })}">First page</a>`}
    ${
      nextCursor !== null &&
      html`<a class="button" rel="next" href="${changed(address, { cursor: nextCursor })}">Next page</a>`
    }
  </nav>`
}
