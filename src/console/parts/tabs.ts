import { html, type Markup } from '../html.ts'

export interface Tab {
  readonly label: string
  readonly href: string
  readonly isCurrent: boolean
  readonly count?: number | undefined
}

export function tabs(label: string, all: readonly Tab[]): Markup {
  return html`<nav class="tabs" aria-label="${label}">
    ${all.map(
      ({ label, href, isCurrent, count }) =>
        html`<a href="${href}" ${isCurrent && html`aria-current="page"`}
          >${label}${count !== undefined && html` <span class="count">${count}</span>`}</a
        >`,
    )}
  </nav>`
}
