import { z } from 'zod'
import { MOMENT_FIELDS } from '../../http/api/list-query.ts'
import { letterId } from '../../http/dead-letters/dead-letter-routes.ts'
import { oneOf, rowId } from '../../http/request/fields.ts'
import { readBody, readForm } from '../../http/request/validate.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import type { DeadLetter } from '../../jobs/dead-letters.ts'
import { linkTo } from '../address.ts'
import { clientColumn, readClientNames } from '../client.ts'
import type { PageContext } from '../context.ts'
import { doerOf } from '../doer.ts'
import { companyPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { addAction, addPage, type Pages } from '../pages.ts'
import { actionButton, confirmedButton } from '../parts/forms.ts'
import { stateMark } from '../parts/state.ts'
import { table } from '../parts/table.ts'
import { ago } from '../parts/time.ts'
import { adviceOf } from '../remedy.ts'
import { runTabs } from './run-tabs.ts'

const PATH = '/console/runs/dead-letters'
const QUERY = z.strictObject({
  ...MOMENT_FIELDS,
  /** Of how many clients a run was just asked for, and how many letters had to stay. */
  asked: rowId.optional(),
  left: rowId.optional(),
})
const REDRIVE = z.strictObject({ id: letterId.optional(), all: oneOf(['true']).optional() })

/** Jobs that were given up after their last retry, and the way to try them again. */
export function addDeadLetterPages(pages: Pages, options: ConsoleOptions): void {
  addPage(pages, PATH, async (request, context) => {
    const { asked, left = 0 } = readForm(request, QUERY)
    const letters = await options.readDeadLetters()
    const names = await readClientNames(
      options.database,
      letters.map(({ realmId }) => realmId),
    )
    return {
      title: 'Dead letters',
      section: 'runs',
      isLive: true,
      body: html`
        <header class="heading"><h1>Dead letters</h1></header>
        ${runTabs('dead', context)} ${asked !== undefined && outcomeNotice(asked, left)}
        ${letters.length === 0 ? noLetters() : letterSection(letters, names, context)}
      `,
    }
  })
  addAction(pages, `${PATH}/redrive`, async (request, response) => {
    const { id, all } = readBody(request, REDRIVE)
    if ((id === undefined) === (all === undefined)) {
      throw new LedgerError('invalid_request', 'body: say either the id of a dead letter or all=true')
    }
    const by = doerOf(response)
    const { asked, left } = await options.redriveDeadLetters(id === undefined ? 'all' : [id], by)
    options.log.info('dead letters tried again', { companies: asked, left, ...by })
    return `${PATH}?asked=${asked.length}&left=${left}`
  })
}

function outcomeNotice(asked: number, left: number): Markup {
  const stayed =
    left > 0 &&
    ` ${left === 1 ? 'One stays' : `${left} stay`} here: the client is paused, disconnected or needs a reconnect.`
  return html`<p class="notice ${left > 0 || asked === 0 ? 'heals' : 'fine'}" role="status">
    ${asked === 0 ? 'No run was asked for.' : `A run was asked for of ${asked === 1 ? 'one client' : `${asked} clients`}.`}
    ${stayed}
  </p>`
}

function noLetters(): Markup {
  return html`<section class="sheet">
    <p>${stateMark('fine', 'None')} No job was given up.</p>
    <p class="quiet">
      A job lands here when its process died, or a defect ended it, as often as the queue retries. Failures at
      QuickBooks do not: they are among the runs, and are tried again by themselves.
    </p>
  </section>`
}

function letterSection(
  letters: readonly DeadLetter[],
  names: ReadonlyMap<string, string>,
  context: PageContext,
): Markup {
  const clients = new Set(letters.map(({ realmId }) => realmId)).size
  return html`<section class="sheet flush">
    <header class="heading padded">
      <h2>Given up</h2>
      ${confirmedButton(
        'Try all again…',
        html`Asks for a run of ${clients === 1 ? 'the one client' : `each of the ${clients} clients`}, at one
        metered call or more each, and takes their letters away.`,
        actionButton(`${PATH}/redrive`, 'Try them all again', { fields: { all: 'true' } }),
      )}
    </header>
    ${table<DeadLetter>({
      caption: 'Dead letters, oldest first',
      address: null,
      rows: letters,
      columns: [
        clientColumn<DeadLetter>(names, context.address),
        { label: 'Why', cell: ({ code, message }) => cause(code, message) },
        { label: 'Given up', cell: ({ at }) => ago(at, context) },
        { label: 'First queued', folds: true, cell: ({ queuedAt }) => ago(queuedAt, context) },
        { label: 'Attempts', folds: true, isNumber: true, cell: ({ attempts }) => String(attempts) },
        {
          label: 'Its runs',
          folds: true,
          cell: ({ realmId }) =>
            html`<a href="${linkTo(context.address, companyPath(realmId, 'runs'))}">Look at the runs</a>`,
        },
        {
          label: 'Try again',
          cell: ({ id }) => actionButton(`${PATH}/redrive`, 'Try again', { fields: { id } }),
        },
      ],
    })}
  </section>`
}

function cause(code: DeadLetter['code'], message: string): Markup {
  const [words, advice] =
    code === null
      ? [
          'Its process died or was cut off',
          'Look for the end of a worker in its log, such as too little memory, then try again.',
        ]
      : [code === 'internal' ? 'A defect ended it' : code.replaceAll('_', ' '), adviceOf(code)]
  return html`${stateMark('act', words)} ${advice}
    <p class="quiet">${message}</p>`
}
