import type { Server } from 'node:http'

// Slow headers and slow bodies are how one client holds a thousand sockets; 100 kB take no half minute.
const HEADERS_TIMEOUT_MS = 15_000
const REQUEST_TIMEOUT_MS = 30_000
// Above the 60 seconds of common load balancers: the one who closes first must be the one who sends, or a request
// meets a socket that is just going away.
const KEEP_ALIVE_TIMEOUT_MS = 75_000

/** Sets the time limits of a server. None of them cuts off an answer: `?wait=` may take 25 seconds. */
export function hardenServer(server: Server): void {
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS
}
