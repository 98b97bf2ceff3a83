import { AsyncLocalStorage } from 'node:async_hooks'
import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'

import type { AxiosResponseTransformer, InternalAxiosRequestConfig } from 'axios'

import { libraryAxios } from './node-quickbooks.ts'

/** What one call wants of the request that node-quickbooks makes of it. */
export interface Hook {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Makes another address of the one that node-quickbooks built. */
  readonly toUrl: (url: string) => string
  /** Called when the request leaves. */
  readonly onRequest: () => void
  /** Called with an answer of whatever status when its body begins; it is read to its end or destroyed there. */
  readonly onAnswer: (status: number, headers: Readonly<Record<string, string>>, body: Readable) => void
}

const hooks = new AsyncLocalStorage<Hook>()

// The hook hangs on a library that the whole process shares, so it is hung there once, whatever the number of
// adapters; a request outside withHook passes it untouched.
let installed = false

/**
 * Runs a call of node-quickbooks, which knows no timeout, abort, agent or header of an answer, so that its request
 * gets them from the hook.
 */
export function withHook(hook: Hook, call: () => void): void {
  if (!installed) libraryAxios.interceptors.request.use(applyHook, undefined, { synchronous: true })
  installed = true
  hooks.run(hook, call)
}

function applyHook(config: InternalAxiosRequestConfig): InternalAxiosRequestConfig {
  const hook = hooks.getStore()
  if (!hook) return config
  hook.onRequest()
  config.headers.set('Accept', 'application/json')
  return Object.assign(config, {
    url: hook.toUrl(config.url ?? ''),
    // A second net: the transport watches the whole call.
    timeout: hook.timeoutMs,
    signal: hook.signal,
    httpAgent: hook.httpAgent,
    httpsAgent: hook.httpsAgent,
    // The environment's proxy variables are no setting of this service, and would catch loopback too.
    proxy: false,
    // Intuit's API never redirects; following one would carry the token elsewhere.
    maxRedirects: 0,
    // An answer of any status is judged by its body, and no error of axios, which holds the Authorization header,
    // is made of it.
    validateStatus: () => true,
    responseType: 'stream',
    transformResponse: [answerTo(hook)],
  })
}

/** The body passes axios by; node-quickbooks is handed an empty envelope that it finds nothing wrong with. */
function answerTo(hook: Hook): AxiosResponseTransformer {
  return (body: unknown, headers, status) => {
    if (!(body instanceof Readable) || status === undefined) return body
    hook.onAnswer(status, namedByLowerCase(headers.toJSON()), body)
    return { QueryResponse: {} }
  }
}

function namedByLowerCase(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const),
  )
}
