import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Addresses } from './open-company.ts'

export interface LoopbackServer extends Addresses {
  readonly origin: string
  /** Addresses asked for, in order. */
  readonly requests: { readonly method: string; readonly url: URL; readonly authorization: string }[]
  /** Connections opened so far. */
  connections(): number
  close(): Promise<void>
}

export type Responder = (request: IncomingMessage, response: ServerResponse) => void

/** A server for answers that no simulator should give. */
export async function startLoopbackServer(respond: Responder): Promise<LoopbackServer> {
  const requests: { method: string; url: URL; authorization: string }[] = []
  let connections = 0
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const authorization = request.headers.authorization ?? ''
    requests.push({ method: request.method ?? '', url, authorization })
    respond(request, response)
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    apiBaseUrl: origin,
    tokenUrl: `${origin}/token`,
    revokeUrl: `${origin}/revoke`,
    requests,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Always the same answer. */
export function answering(status: number, body: string, headers: Record<string, string> = {}): Responder {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', intuit_tid: '1-test-tid', ...headers })
    response.end(body)
  }
}
