import { z } from 'zod'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany, type OperatedCompany } from '../../http/companies/show-company.ts'
import { realmId } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { SyncReject } from '../../models/sync-reject.ts'
import { linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import { companyPath, ENTITY_WORDS, SHOWN_ENTITIES } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { actionButton, confirmedButton } from '../parts/forms.ts'
import { table } from '../parts/table.ts'
import { ago, clock } from '../parts/time.ts'
import { rejectedColumns, rejectedLink } from '../rejected.ts'
import { companyPage } from './company-frame.ts'

const PARAMS = z.strictObject({ realmId })
const QUERY = z.strictObject(MOMENT_FIELDS)
const REJECTS_SHOWN = 200

/** How a company is connected, what of it could not be read, and what the firm says of it. Always as it is now. */
export function addConnectionPage(pages: Pages, { database, ...options }: ConsoleOptions): void {
  addPage(pages, companyPath(':realmId', 'connection'), async (request, context) => {
    const { realmId } = readParams(request, PARAMS)
    readForm(request, QUERY)
    const company = await showCompany({ database, intervalSeconds: options.intervalSeconds }, realmId)
    const rejects = await SyncReject.query(database.knex)
      .where('realm_id', realmId)
      .whereNull('resolved_at')
      .orderBy('id')
      .limit(REJECTS_SHOWN)
    return companyPage(company, context, {
      tab: 'connection',
      body: html`${connection(company, context)} ${doubts(company, context)}
      ${rejected(company, rejects, context)} ${settings(company)}`,
    })
  })
}

function connection(
  { connection, callsThisMonth, registeredAt, lastError, lastWebhookAt, realmId }: OperatedCompany,
  context: PageContext,
): Markup {
  return html`<section class="sheet">
    <h2>Connection</h2>
    <dl class="facts">
      <dt>Registered</dt>
      <dd>${clock(registeredAt, context)}</dd>
      <dt>Environment</dt>
      <dd>${connection?.environment ?? 'never connected'}</dd>
      <dt>Access token ends</dt>
      <dd>
        ${tokenEnd(connection?.accessTokenExpiresAt ?? null, context)}
        <small class="quiet">renewed by itself</small>
      </dd>
      <dt>Refresh token ends</dt>
      <dd>
        ${tokenEnd(connection?.refreshTokenExpiresAt ?? null, context)}
        <small class="quiet">if it is not used until then</small>
      </dd>
      <dt>Last webhook</dt>
      <dd>
        ${lastWebhookAt === null ? 'none has come' : ago(lastWebhookAt, context)}
        <small class="quiet">without any, changes are seen at the next interval</small>
      </dd>
      <dt>Calls this month</dt>
      <dd>
        ${callsThisMonth.total.toLocaleString('en')}, ${callsThisMonth.metered.toLocaleString('en')} of them
        metered
      </dd>
      <dt>Last error</dt>
      <dd>
        ${
          lastError
            ? html`${lastError.message} <code>${lastError.code}</code> ${ago(lastError.at, context)}
                <a href="${linkTo(context.address, `/console/runs/${lastError.runId}`)}"
                  >run ${lastError.runId}</a
                >`
            : 'none within the last runs'
        }
      </dd>
    </dl>
    <p class="quiet">
      To connect it again, give new tokens to the service:
      <code>PUT /admin/companies/${realmId}</code> with a refresh token.
    </p>
  </section>`
}

/** A token that Intuit has not told the end of yet, or that is not there. */
function tokenEnd(at: Date | null, context: PageContext): Child {
  return at === null ? 'not known' : ago(at, context)
}

function doubts({ entities, realmId }: OperatedCompany, context: PageContext): Markup | null {
  const doubtful = SHOWN_ENTITIES.flatMap((entity) => {
    const { disappearance } = entities[entity]
    return disappearance ? [{ entity, ...disappearance }] : []
  })
  if (doubtful.length === 0) return null
  return html`<section class="sheet" id="doubts">
    <h2>Gone, or not?</h2>
    ${doubtful.map(({ entity, missing, held, since, confirmedAt }) => {
      const many = ENTITY_WORDS[entity].many.toLowerCase()
      return html`<div class="row">
        <p>
          ${missing} of ${held} ${many} have not been in QuickBooks’ listing since ${clock(since, context)}.
          None was deleted here.
        </p>
        ${
          confirmedAt === null
            ? confirmedButton(
                'They are gone…',
                `Deletes ${missing} ${many} here, as QuickBooks has them. Their history stays.`,
                actionButton(companyPath(realmId, 'confirm'), 'Delete them here', {
                  tone: 'danger',
                  fields: { entity },
                }),
              )
            : html`<span class="quiet"
                >Confirmed ${ago(confirmedAt, context)}; the next listing deletes them.</span
              >`
        }
        ${actionButton(companyPath(realmId, 'sync'), 'Look again', { fields: { mode: 'full' } })}
      </div>`
    })}
  </section>`
}

function rejected(
  { realmId, rejects: count }: OperatedCompany,
  rejects: readonly SyncReject[],
  context: PageContext,
): Markup {
  return html`<section class="sheet flush" id="rejects">
    <header class="heading padded">
      <h2>Rejected records</h2>
      ${rejects.length > 0 && actionButton(companyPath(realmId, 'retry'), 'Try all again', { tone: 'primary' })}
    </header>
    ${
      rejects.length === 0
        ? html`<p class="padded quiet">Every record could be read.</p>`
        : table<SyncReject>({
            caption: 'Rejected records',
            address: null,
            rows: rejects,
            columns: [
              { label: 'Record', cell: (reject) => rejectedLink(reject, context.address) },
              ...rejectedColumns(context),
              { label: 'Again', cell: ({ retryAt }) => ago(retryAt, context) },
            ],
          })
    }
    ${
      count > rejects.length &&
      html`<p class="padded quiet">The first ${rejects.length} of ${count.toLocaleString('en')}.</p>`
    }
  </section>`
}

function settings({ realmId, name, timeZone, tags, maxLagMinutes }: OperatedCompany): Markup {
  return html`<section class="sheet">
    <h2>What the firm says of it</h2>
    <form method="post" action="${companyPath(realmId, 'settings')}" class="filters">
      <label>Name <input name="name" value="${name}" maxlength="200" /></label>
      <label
        >Time zone <input name="timeZone" value="${timeZone}" maxlength="50" placeholder="America/New_York"
      /></label>
      <label
        >Tags, with commas between them <input name="tags" value="${tags.join(', ')}" maxlength="1000"
      /></label>
      <label
        >Promised within, in minutes
        <input type="number" name="maxLagMinutes" value="${maxLagMinutes}" min="1" max="10080" />
      </label>
      <button>Keep</button>
    </form>
    <p class="quiet">A field left empty takes QuickBooks’ own value, or the usual promise, again.</p>
  </section>`
}
