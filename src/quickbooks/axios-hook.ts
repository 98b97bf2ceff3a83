import { AsyncLocalStorage } from 'node:async_hooks'
import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'

import type { AxiosResponseTransformer, InternalAxiosRequestConfig } from 'axios'

import { libraryAxios } from './node-quickbooks.ts'

/** What one call changes in the request that node-quickbooks makes. */
export interface Hook {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Rewrites the address that node-quickbooks built. */
  readonly toUrl: (url: string) => string
  /** Called when the request leaves. */
  readonly onRequest: () => void
  /** Called with an answer of any status when its body begins; it must read the body to its end or destroy it. */
  readonly onAnswer: (status: number, headers: Readonly<Record<string, string>>, body: Readable) => void
}

const hooks = new AsyncLocalStorage<Hook>()

// The hook is attached to a library that the whole process shares, so it is attached once, whatever the number of
// adapters; a request outside withHook passes untouched.
let installed = false

/**
 * Runs a call of node-quickbooks, whose request gets from the hook what the library lacks: timeout, abort, agent, and
 * the headers of the answer.
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
    // The environment's proxy variables are not settings of this service, and would catch loopback too.
    proxy: false,
    // Intuit's API never redirects; following one would carry the token elsewhere.
    maxRedirects: 0,
    // We judge answers of any status by their body; an axios error would hold the Authorization header.
    validateStatus: () => true,
    responseType: 'stream',
    transformResponse: [answerTo(hook)],
  })
}

/** The body bypasses axios; node-quickbooks gets an empty envelope that it accepts. */
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
