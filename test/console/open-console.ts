import request, { type Test } from 'supertest'
import { addConsole } from '../../src/console/console.ts'
import type { HttpOptions } from '../../src/http/options.ts'
import { openHttp, type OpenHttp } from '../http/open-http.ts'

export const SIGN_IN_KEY = 'the-key-printed-at-the-start'

export interface OpenConsole extends OpenHttp {
  /** A page as somebody signed in sees it. */
  see(path: string): Test
  /** A form of ours, sent by somebody signed in. */
  act(path: string, fields?: Readonly<Record<string, string | readonly string[]>>): Test
  /** What a browser sends to show who it is. */
  readonly cookie: string
}

/** The pages on a database of their own, with somebody signed in. */
export async function openConsole(overrides: Partial<HttpOptions> = {}): Promise<OpenConsole> {
  const http = await openHttp(overrides, (options) => (app) => {
    addConsole(app, { ...options, version: 'test', signInKey: SIGN_IN_KEY, progressPollMs: 20 })
  })
  const answer = await request(http.app).get(`/login?key=${SIGN_IN_KEY}`)
  const cookie = cookiesOf(answer.headers)
  return {
    ...http,
    cookie,
    see: (path) => request(http.app).get(path).set('Cookie', cookie),
    act: (path, fields = {}) =>
      request(http.app)
        .post(path)
        .set('Cookie', cookie)
        .set('Sec-Fetch-Site', 'same-origin')
        .type('form')
        .send(fields),
  }
}

export function cookiesOf(headers: Readonly<Record<string, unknown>>): string {
  const set = (headers['set-cookie'] ?? []) as readonly string[]
  return set.map((cookie) => cookie.split(';')[0]).join('; ')
}

/** What a page says, without its markup. */
export function textOf(page: string): string {
  const body = page.slice(page.indexOf('<main'), page.indexOf('</main>'))
  return body
    .replace(/<svg[\s\S]*?<\/svg>/g, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&amp;', '&')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ')
    .trim()
}
