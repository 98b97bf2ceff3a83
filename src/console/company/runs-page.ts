import { z } from 'zod'
import { RUN_STATUSES, TRIGGERS } from '../../domain/sync-run.ts'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { showCompany } from '../../http/companies/show-company.ts'
import { cursorAfter, cursorOf } from '../../http/request/cursor.ts'
import { realmId, ROW_ID_DIGITS } from '../../http/request/fields.ts'
import { readForm, readParams } from '../../http/request/validate.ts'
import { readRuns, RUN_FILTERS } from '../../http/runs/read-runs.ts'
import { companyPath } from '../entities.ts'
import { html } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addPage, type Pages } from '../pages.ts'
import { choiceField, filterForm } from '../parts/forms.ts'
import { pager } from '../parts/pager.ts'
import { nextTriesOf } from '../runs/next-tries.ts'
import { runTable } from '../runs/run-table.ts'
import { companyPage } from './company-frame.ts'

const PARAMS = z.strictObject({ realmId })
const RUNS_A_PAGE = 50

/** The runs of a company, newest first; one under way is looked at again by itself. */
export function addCompanyRunsPage(pages: Pages, options: ConsoleOptions): void {
  addPage(pages, companyPath(':realmId', 'runs'), async (request, context) => {
    const { realmId } = readParams(request, PARAMS)
    const list = `runs/${realmId}`
    const { status, trigger, cursor } = readForm(
      request,
      z.strictObject({
        ...MOMENT_FIELDS,
        status: RUN_FILTERS.status,
        trigger: RUN_FILTERS.trigger,
        cursor: cursorOf(list, ROW_ID_DIGITS),
      }),
    )
    const company = await showCompany(options, realmId)
    const read = await readRuns(options.database.knex, {
      realmId,
      status,
      trigger,
      cursor,
      most: RUNS_A_PAGE + 1,
    })
    const runs = read.slice(0, RUNS_A_PAGE)
    const next = read.length > RUNS_A_PAGE ? cursorAfter(list, runs.at(-1)!.id) : null
    return companyPage(company, context, {
      tab: 'runs',
      isLive: true,
      body: html`<section class="sheet flush">
        ${filterForm(
          context.address,
          ['status', 'trigger'],
          html`${choiceField(context.address, 'status', 'Outcome', words(RUN_STATUSES))}
          ${choiceField(context.address, 'trigger', 'Why', words(TRIGGERS))}`,
        )}
        ${
          runs.length === 0
            ? html`<div class="empty"><p class="lead">No runs.</p></div>`
            : runTable({ runs, names: null, nextTries: nextTriesOf([company]), chosenFor: null }, context)
        }
        ${pager(context.address, next)}
      </section>`,
    })
  })
}

function words(all: readonly string[]): (readonly [string, string])[] {
  return [['', 'any'], ...all.map((word) => [word, word] as const)]
}
