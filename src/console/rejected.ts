import type { SyncReject } from '../models/sync-reject.ts'
import { linkTo, type Address } from './address.ts'
import type { PageContext } from './context.ts'
import { ENTITY_WORDS, recordPath } from './entities.ts'
import { html, type Child } from './html.ts'
import type { Column } from './parts/table.ts'
import { ago } from './parts/time.ts'

/** What a record that could not be taken is called; one whose Id is unknown has only its place. */
export function rejectedWords({ entity, qboId, position }: SyncReject): string {
  return `${ENTITY_WORDS[entity].one} ${qboId === null ? `at place ${position ?? 'unknown'}` : `#${qboId}`}`
}

/** The same, leading to the record where there is one to lead to. */
export function rejectedLink(reject: SyncReject, address: Address): Child {
  const { realmId, entity, qboId } = reject
  const words = rejectedWords(reject)
  return qboId === null
    ? words
    : html`<a href="${linkTo(address, recordPath(realmId, entity, qboId))}">${words}</a>`
}

/** Why it was rejected, since when, and how often it was tried. */
export function rejectedColumns(context: PageContext): readonly Column<SyncReject>[] {
  return [
    {
      label: 'Why',
      cell: ({ reason, code, payload }) =>
        html`${reason} <code>${code}</code> ${
            payload !== '' &&
            html`<details class="raw">
              <summary>What QuickBooks sent</summary>
              <pre>${payload}</pre>
            </details>`
          }`,
    },
    { label: 'Since', folds: true, cell: ({ firstSeenAt }) => ago(firstSeenAt, context) },
    { label: 'Tried', folds: true, isNumber: true, cell: ({ attempts }) => `${attempts} times` },
  ]
}
