import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { openServer, SERVER_LIMITS, type ServerLimits } from '../../src/http/server/open-server.ts'
import type { HttpOptions } from '../../src/http/options.ts'

/** HTTP byte by byte, for what no client would send. */
export interface RawServer {
  readonly server: Server
  readonly port: number
  /** A connection that says nothing by itself; its errors are ignored, its end is not. */
  open(): Promise<Socket>
  /** Sends these bytes and gives all that comes back until the server closes the connection. */
  exchange(bytes: string | Buffer): Promise<string>
  close(): Promise<void>
}

export async function listenRaw(
  handle: RequestListener,
  log: HttpOptions['log'],
  limits: Partial<ServerLimits> = {},
): Promise<RawServer> {
  const server = openServer({ handle, log, limits: { ...SERVER_LIMITS, ...limits } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    open: () => openSocket(port),
    async exchange(bytes) {
      const socket = await openSocket(port)
      socket.write(bytes)
      return everything(socket)
    },
    async close() {
      const end = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await end
    },
  }
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket.on('error', () => undefined)
}

/** What comes until the connection is closed. */
export async function everything(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1').on('data', (more: string) => (text += more))
  await closed(socket)
  return text
}

export async function closed(socket: Socket): Promise<void> {
  // Not `once`, which throws for an error: being cut off is one.
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

const LOOKS = 4_000
const LOOK_MS = 5

/** Looks again and again until it is so; gives up so that a test that fails also ends. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    if (await isSo()) return
    await wait(LOOK_MS)
  }
  throw new Error(`never came: ${String(isSo)}`)
}

/** The status of the last answer in a text: one that says to go on may stand before it. */
export function statusOf(text: string): number | null {
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
  return statuses.at(-1) ?? null
}

/** The last answer's body as JSON. */
export function bodyOf(text: string): Record<string, unknown> {
  return JSON.parse(text.slice(text.lastIndexOf('\r\n\r\n') + 4)) as Record<string, unknown>
}
