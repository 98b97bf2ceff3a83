import type { OperatedCompany } from '../../http/companies/show-company.ts'
import { linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import type { Page } from '../document.ts'
import { companyPath, ENTITY_WORDS, SHOWN_ENTITIES } from '../entities.ts'
import { clientName } from '../client.ts'
import { html, type Child, type Markup } from '../html.ts'
import { stateMark } from '../parts/state.ts'
import { tabs } from '../parts/tabs.ts'
import { ago } from '../parts/time.ts'
import { adviceOf, remedyOf } from '../remedy.ts'
import { fullSentence } from '../sentence.ts'
import { companyActions } from './company-actions.ts'
import { companyStateOf } from './company-state.ts'
import { progressPlace } from './sync-progress.ts'

export type CompanyTab =
  | 'overview'
  | 'bills'
  | 'invoices'
  | 'balances'
  | 'vendors'
  | 'customers'
  | 'changes'
  | 'timeline'
  | 'runs'
  | 'connection'

const TABS: readonly (readonly [CompanyTab, string])[] = [
  ['overview', 'Overview'],
  ['bills', 'Bills'],
  ['invoices', 'Invoices'],
  ['balances', 'Balances'],
  ['vendors', 'Vendors'],
  ['customers', 'Customers'],
  ['changes', 'Changes'],
  ['timeline', 'Timeline'],
  ['runs', 'Runs'],
  ['connection', 'Connection'],
]

export interface CompanyPageParts {
  readonly tab: CompanyTab
  /** What of the company it is, for the window's title; the tab's name if absent. */
  readonly title?: string
  readonly body: Child
  readonly isLive?: boolean
}

/** A page about one company: the same head and tabs on each. */
export function companyPage(company: OperatedCompany, context: PageContext, parts: CompanyPageParts): Page {
  const { tab, title, body, isLive } = parts
  return {
    title: `${title ?? labelOf(tab)} · ${clientName(company)}`,
    section: 'clients',
    hasMoments: true,
    timeZone: company.timeZone,
    isLive: isLive ?? false,
    body: html`${companyHead(company, context)} ${tabsOf(company, context, tab)} ${body}`,
  }
}

function labelOf(tab: CompanyTab): string {
  return TABS.find(([name]) => name === tab)![1]
}

function tabsOf({ realmId }: OperatedCompany, { address }: PageContext, current: CompanyTab): Markup {
  return tabs(
    'About this client',
    TABS.map(([name, label]) => ({
      label,
      href: linkTo(address, companyPath(realmId, name === 'overview' ? '' : name)),
      isCurrent: name === current,
    })),
  )
}

function companyHead(company: OperatedCompany, context: PageContext): Markup {
  const isPast = context.moment.asOf !== null || context.moment.sourceAsOf !== null
  return html`
    <header class="heading company-head">
      <div>
        <h1>${clientName(company)}</h1>
        <p class="quiet">
          ${company.homeCurrency} · ${company.timeZone ?? 'time zone unknown, Pacific assumed'} · realm
          <code>${company.realmId}</code>
          ${company.tags.map((tag) => html` <span class="tag">${tag}</span>`)}
        </p>
      </div>
      ${!isPast && companyActions(company)}
    </header>
    ${!isPast && standingOf(company, context)} ${!isPast && progressPlace(company)}
  `
}

/** How it stands at the moment: state, freshness by list, and when it is read next. */
function standingOf(company: OperatedCompany, context: PageContext): Markup {
  const { tone, word } = companyStateOf(company)
  const { statusReason } = company
  const remedy = statusReason && remedyOf(statusReason.code, company, context.address)
  return html`
    <section class="notice ${tone === 'fine' || tone === 'off' ? false : tone}" aria-label="State">
      ${stateMark(tone, word)}
      ${
        statusReason !== null &&
        html`<span class="reason"
          >${fullSentence(statusReason.message)}
          <span class="quiet">${adviceOf(statusReason.code, company.status)}</span></span
        >`
      }
      ${remedy !== null && html`<a class="button" href="${remedy.href}">${remedy.words}</a>`}
      <dl class="fresh">
        ${SHOWN_ENTITIES.map((entity) => {
          const { lastSyncedAt, late, error } = company.entities[entity]
          return html`<div class="${(late || error !== null) && 'late'}">
            <dt>${ENTITY_WORDS[entity].many}</dt>
            <dd>${ago(lastSyncedAt, context)}</dd>
          </div>`
        })}
        <div>
          <dt>Next</dt>
          <dd>${nextRun(company, context)}</dd>
        </div>
      </dl>
    </section>
  `
}

function nextRun({ nextSyncAt, nextSyncReason, notBefore }: OperatedCompany, context: PageContext): Markup {
  if (nextSyncAt === null) return html`<span class="quiet">not synced</span>`
  const at = notBefore !== null && notBefore > nextSyncAt ? notBefore : nextSyncAt
  return html`${at <= context.now ? 'due' : ago(at, context)} <small class="quiet">${nextSyncReason}</small>`
}
