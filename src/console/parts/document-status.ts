import { html, type Markup } from '../html.ts'

/** How a bill or an invoice stands: overdue stands out, paid is quiet. */
export function documentStatus(status: string): Markup {
  return html`<span class="flag ${CLASSES[status] ?? 'off'}">${status}</span>`
}

const CLASSES: Readonly<Record<string, string>> = { overdue: 'heals', open: 'plain', paid: 'fine' }
