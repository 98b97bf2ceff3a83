import { AsyncLocalStorage } from 'node:async_hooks'
import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'

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
  /** Called with the whole answer of whatever status. What it throws reaches the callback of node-quickbooks. */
  readonly onAnswer: (status: number, headers: Readonly<Record<string, string>>, text: string) => void
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
    responseType: 'text',
    transformResponse: [answerTo(hook)],
  })
}

/** The body stays text for axios; node-quickbooks is handed an empty envelope that it finds nothing wrong with. */
function answerTo(hook: Hook): AxiosResponseTransformer {
  return (text: unknown, headers, status) => {
    // Without a text the connection broke inside the body, and the error tells.
    if (typeof text !== 'string' || status === undefined) return text
    hook.onAnswer(status, namedByLowerCase(headers.toJSON()), text)
    return { QueryResponse: {} }
  }
}

function namedByLowerCase(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const),
  )
}
