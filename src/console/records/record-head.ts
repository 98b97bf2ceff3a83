import type { ShownBill, ShownInvoice, ShownRecord } from '../../books/shown-record.ts'
import type { Mirror } from '../../books/standing.ts'
import type { Entity } from '../../domain/entity.ts'
import { linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import { companyPath, ENTITY_WORDS, recordPath } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'
import { documentStatus } from '../parts/document-status.ts'
import { money } from '../parts/money.ts'
import { ago, clock, day } from '../parts/time.ts'
import { recordName } from './record-name.ts'

/** What the record is, in one look. */
export function recordHead(
  entity: Entity,
  shown: ShownRecord & { readonly mirror: Mirror },
  context: PageContext,
): Markup {
  const { deletedAt, rejectedSince, quickBooksUrl } = shown
  return html`
    <header class="heading">
      <div>
        <h2 class="record-title">
          ${ENTITY_WORDS[entity].one} ${recordName(shown)}
          ${'status' in shown && documentStatus(shown.status)}
        </h2>
        <p class="lead">${partyOf(shown, context)}</p>
      </div>
      <div class="row no-print">
        ${quickBooksUrl !== null && html`<a class="button" href="${quickBooksUrl}" target="_blank" rel="noreferrer">Open in QuickBooks ↗</a>`}
        <button type="button" data-copy="${shown.qboId}">Copy Id ${shown.qboId}</button>
        <button type="button" data-print>Print</button>
      </div>
    </header>
    ${
      deletedAt !== null &&
      html`<p class="notice">
        Deleted in QuickBooks; this mirror saw it ${ago(deletedAt, context)}, ${clock(deletedAt, context)}.
      </p>`
    }
    ${
      rejectedSince !== null &&
      html`<p class="notice act">
        A newer version of it could not be read since ${clock(rejectedSince, context)}: what stands here is
        the version before.
        <a href="${linkTo(context.address, companyPath(shown.realmId, 'connection'))}#rejects">Why</a>
      </p>`
    }
    <dl class="figures">
      ${figuresOf(shown).map(
        ([label, value]) =>
          html`<div>
            <dt class="label">${label}</dt>
            <dd class="value">${value}</dd>
          </div>`,
      )}
      <div>
        <dt class="label">As fresh as</dt>
        <dd>${ago(shown.lastSyncedAt, context)}</dd>
        ${!shown.mirror.settled && html`<dd class="quiet small">still being written</dd>`}
      </div>
    </dl>
  `
}

function partyOf(shown: ShownRecord, { address }: PageContext): Child {
  const [entity, party] =
    'vendor' in shown
      ? (['vendor', shown.vendor] as const)
      : 'customer' in shown
        ? (['customer', shown.customer] as const)
        : [null, null]
  if (entity === null || party === null) return null
  if (party.id === null) return party.name
  return html`<a href="${linkTo(address, recordPath(shown.realmId, entity, party.id))}"
    >${party.name ?? `#${party.id}`}</a
  >`
}

function figuresOf(shown: ShownRecord): [string, Child][] {
  if ('docNumber' in shown) return documentFigures(shown)
  if ('accountName' in shown) {
    const { currentBalance, currentBalanceWithSubAccounts, currency, accountType, accountSubType } = shown
    return [
      ['Balance', money(currentBalance, currency)],
      ['With sub-accounts', money(currentBalanceWithSubAccounts, currency)],
      ['Kind', [accountType, accountSubType].filter((word) => word !== null).join(' · ')],
      ['Active', shown.active ? 'yes' : 'no'],
    ]
  }
  return [
    ['Currency', shown.currency],
    ['Active', shown.active ? 'yes' : 'no'],
  ]
}

function documentFigures(shown: ShownBill | ShownInvoice): [string, Child][] {
  const { totalAmount, balance, currency, txnDate, dueDate, exchangeRate, homeBalance } = shown
  const isForeign = exchangeRate !== null && exchangeRate !== '1'
  return [
    ['Total', money(totalAmount, currency)],
    ['Open', money(balance, currency)],
    ['Date', day(txnDate)],
    ['Due', day(dueDate)],
    ...(isForeign ? [['Exchange rate', exchangeRate] as [string, Child]] : []),
    ...(isForeign && homeBalance !== null
      ? [['Open in home currency', money(homeBalance, null)] as [string, Child]]
      : []),
  ]
}
