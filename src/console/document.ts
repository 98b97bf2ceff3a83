import type { Assets } from './assets/assets.ts'
import { linkTo } from './address.ts'
import type { PageContext } from './context.ts'
import { html, type Markup } from './html.ts'
import { lookForm } from './parts/look-form.ts'
import { stopBanner } from './parts/stop-banner.ts'
import { momentBanner, timeMachine } from './parts/time-machine.ts'

export type Section = 'clients' | 'changes' | 'runs' | 'search'

/** What a page shows; the frame around it is the same for all. */
export interface Page {
  readonly title: string
  /** Which entry of the navigation it belongs to. */
  readonly section: Section | null
  readonly body: Markup
  /** Without the frame: nobody is signed in. */
  readonly isBare?: boolean
  /** Whether it shows books, of which there is a past. */
  readonly hasMoments?: boolean
  /** The time zone of the company it is about; null if that is not known. */
  readonly timeZone?: string | null
  /** Whether it is worth asking for again while somebody looks at it. */
  readonly isLive?: boolean
}

/** The whole document, as text. */
export function documentOf(page: Page, context: PageContext, assets: Assets): string {
  const { look } = context
  const markup = html`<!doctype html>
    <html lang="en" data-theme="${look.theme}" ${look.monochrome && html`data-tone="mono"`}>
      <head>
        <meta charset="utf-8" />
        <title>${page.title} · Ledger Mirror</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="${look.theme === 'system' ? 'light dark' : look.theme}" />
        <meta name="htmx-config" content="${HTMX_CONFIG}" />
        <link rel="icon" href="${assets.address('icon.svg')}" type="image/svg+xml" />
        <link rel="preload" href="${assets.address('inter.woff2')}" as="font" type="font/woff2" crossorigin />
        <link rel="stylesheet" href="${assets.address('fonts.css')}" />
        <link rel="stylesheet" href="${assets.address('console.css')}" />
        <script src="${assets.address('htmx.js')}" defer></script>
        <script src="${assets.address('idiomorph.js')}" defer></script>
        <script src="${assets.address('console.js')}" defer></script>
      </head>
      <body
        hx-ext="morph"
        data-charts="${assets.address('uplot.js')}"
        data-chart-style="${assets.address('uplot.css')}"
      >
        <a class="skip" href="#page">Skip to the page</a>
        ${page.isBare !== true && topBar(page, context)}
        ${page.hasMoments === true && momentBanner(context, page.timeZone ?? null)}
        <main
          id="page"
          tabindex="-1"
          ${
            page.isLive === true &&
            html`data-live hx-get="${hereOf(context)}" hx-trigger="refresh" hx-select="#page"
            hx-swap="morph:outerHTML" hx-disinherit="*"`
          }
        >
          ${page.isBare !== true && stopBanner(context)} ${page.body}
        </main>
        ${keyboardHelp()}
      </body>
    </html>`
  return markup.toString()
}

/** No rules are made from strings and no styles put into the page: the policy of these pages allows neither. */
const HTMX_CONFIG = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
})

function hereOf({ address }: PageContext): string {
  const query = address.query.toString()
  return query === '' ? address.path : `${address.path}?${query}`
}

const SECTIONS: readonly { section: Section; label: string; path: string; key: string }[] = [
  { section: 'clients', label: 'Clients', path: '/console', key: 'g p' },
  { section: 'changes', label: 'Changes', path: '/console/changes', key: 'g c' },
  { section: 'runs', label: 'Runs', path: '/console/runs', key: 'g r' },
]

function topBar(page: Page, context: PageContext): Markup {
  const { address, look } = context
  return html`
    <header class="bar">
      <a class="brand" href="${linkTo(address, '/console')}">Ledger Mirror</a>
      <nav aria-label="Sections">
        ${SECTIONS.map(
          ({ section, label, path, key }) =>
            html`<a
              href="${linkTo(address, path)}"
              data-key="${key}"
              ${section === page.section && html`aria-current="page"`}
              >${label}</a
            >`,
        )}
      </nav>
      <form class="search" action="/console/search" role="search">
        <input
          type="search"
          name="q"
          value="${page.section === 'search' ? address.query.get('q') : null}"
          placeholder="Search"
          aria-label="Client, number, party, amount, Id, run"
          maxlength="100"
        />
      </form>
      ${page.hasMoments === true && timeMachine(context, page.timeZone ?? null)}
      <details class="menu">
        <summary>Menu</summary>
        <div class="menu-body">
          ${lookForm(look, address)}
          <p><button type="button" class="link" data-help>Keyboard shortcuts</button></p>
          <form method="post" action="/logout"><button>Sign out</button></form>
        </div>
      </details>
    </header>
  `
}

const SHORTCUTS: readonly (readonly [string, string])[] = [
  ['/', 'Search'],
  ['g p', 'Clients'],
  ['g c', 'Changes'],
  ['g r', 'Runs'],
  ['j k', 'Next and previous row'],
  ['Enter', 'Open the row'],
  ['[ ]', 'Older and newer version'],
  ['r', 'Refresh by itself: on, off'],
  ['t', 'Light, dark'],
  ['?', 'This list'],
]

function keyboardHelp(): Markup {
  return html`
    <dialog id="keyboard" aria-label="Keyboard shortcuts">
      <h2>Keyboard</h2>
      <dl class="keys">
        ${SHORTCUTS.map(
          ([keys, what]) =>
            html`<dt>${keys.split(' ').map((key) => html`<kbd>${key}</kbd> `)}</dt>
              <dd>${what}</dd>`,
        )}
      </dl>
      <form method="dialog"><button>Close</button></form>
    </dialog>
  `
}
