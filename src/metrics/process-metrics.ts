import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { QuickBooksCall } from '../domain/quickbooks-call.ts'

export interface HttpRequest {
  readonly method: string
  /** The route's pattern, never the path: otherwise every realm id would be its own series. */
  readonly route: string
  readonly status: string
  readonly seconds: number
}

export interface ProcessMetrics {
  readonly contentType: string
  render(): Promise<string>
  observeHttpRequest(request: HttpRequest): void
  observeQuickBooksCall(call: QuickBooksCall): void
}

// Half of the bounds are below what a person notices; routers cut requests off at 30 s.
const HTTP_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
// A call to Intuit takes about 0.3 s; Intuit itself cuts it off after 120 s.
const CALL_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

/** What only this process knows: its requests, its calls, its own health. */
export function createProcessMetrics({ version }: { readonly version: string }): ProcessMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const http = new Histogram({
    name: 'ledger_http_request_duration_seconds',
    help: 'How long requests to this process took.',
    labelNames: ['method', 'route', 'status'],
    buckets: HTTP_BUCKETS_SECONDS,
    registers,
  })
  const calls = new Histogram({
    name: 'ledger_quickbooks_request_duration_seconds',
    help: 'How long calls of this process to Intuit took.',
    labelNames: ['operation'],
    buckets: CALL_BUCKETS_SECONDS,
    registers,
  })
  const buildInfo = new Gauge({
    name: 'ledger_build_info',
    help: 'Always 1; the version is in the label.',
    labelNames: ['version'],
    registers,
  })
  buildInfo.set({ version }, 1)
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    observeHttpRequest: ({ seconds, ...labels }) => http.observe(labels, seconds),
    observeQuickBooksCall: ({ operation, durationMs }) => calls.observe({ operation }, durationMs / 1000),
  }
}
