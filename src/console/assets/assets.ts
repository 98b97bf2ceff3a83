import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { IRouter } from 'express'

export interface Assets {
  /** Where a file is served; another content has another address, so browsers may keep it for ever. */
  address(name: AssetName): string
}

const require = createRequire(import.meta.url)

/** What the pages load, all of it served by us. */
const FILES = {
  'console.css': { type: 'text/css', file: own('console.css') },
  'console.js': { type: 'text/javascript', file: own('console.js') },
  'icon.svg': { type: 'image/svg+xml', file: own('icon.svg') },
  'inter.woff2': {
    type: 'font/woff2',
    file: require.resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'),
  },
  'inter-ext.woff2': {
    type: 'font/woff2',
    file: require.resolve('@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2'),
  },
  'htmx.js': { type: 'text/javascript', file: require.resolve('htmx.org/dist/htmx.min.js') },
  'idiomorph.js': { type: 'text/javascript', file: require.resolve('idiomorph/dist/idiomorph-ext.min.js') },
  'uplot.js': { type: 'text/javascript', file: require.resolve('uplot/dist/uPlot.iife.min.js') },
  'uplot.css': { type: 'text/css', file: require.resolve('uplot/dist/uPlot.min.css') },
} as const

type FileName = keyof typeof FILES
export type AssetName = FileName | 'fonts.css'

const PREFIX = '/console/assets'

/** Reads the files and serves them from memory; they need no signing in. */
export function serveAssets(router: IRouter): Assets {
  const files = Object.entries(FILES).map(
    ([name, { type, file }]) => [name, { type, content: readFileSync(file) }] as const,
  )
  const addresses = new Map<string, string>()
  const serve = (name: string, type: string, content: Buffer) => {
    const mark = createHash('sha256').update(content).digest('base64url').slice(0, MARK_LENGTH)
    const address = `${PREFIX}/${mark}/${name}`
    addresses.set(name, address)
    router.get(address, (_request, response) => {
      response.set('Cache-Control', `public, max-age=${YEAR_SECONDS}, immutable`).type(type).send(content)
    })
  }
  for (const [name, { type, content }] of files) serve(name, type, content)
  serve('fonts.css', 'text/css', Buffer.from(fontFaces((name) => addresses.get(name)!)))
  return { address: (name) => addresses.get(name)! }
}

const MARK_LENGTH = 10
const YEAR_SECONDS = 365 * 24 * 3600

/** One typeface everywhere, so that columns of figures look alike on every machine. */
function fontFaces(address: (name: FileName) => string): string {
  const face = (name: FileName, range: string) => `@font-face {
  font-family: Inter;
  font-weight: 100 900;
  font-display: swap;
  src: url(${address(name)}) format('woff2');
  unicode-range: ${range};
}
`
  return face('inter.woff2', LATIN) + face('inter-ext.woff2', LATIN_EXTENDED)
}

// As the makers of the files divide them.
const LATIN =
  'U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD'
const LATIN_EXTENDED =
  'U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+1D00-1DBF, U+1E00-1E9F, U+1EF2-1EFF, U+20A0-20AB, U+20AD-20C0'

function own(name: string): URL {
  return new URL(name, import.meta.url)
}
