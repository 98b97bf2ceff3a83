import type { RequestListener, Server, ServerResponse } from 'node:http'
import { answersUnderWay } from './open-server.ts'

// Part of the 10 seconds in which the whole service promises to stop; the jobs get 5 afterwards.
const GRACE_MS = 3_000
// Answers given by then are on their way; clients that do not read them are cut off.
const LAST_BYTES_MS = 250

/**
 * Closes a server, which meanwhile still answers new requests: those under way get a moment, and `refuse` answers any
 * that need longer. Idle kept-alive connections are closed at once, the others after their answer.
 */
export async function closeServer(
  server: Server,
  refuse: RequestListener,
  graceMs = GRACE_MS,
): Promise<void> {
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'))
  server.closeIdleConnections()
  await within(graceMs, Promise.all(answersUnderWay(server).map(endConnectionWith)))
  for (const late of answersUnderWay(server)) if (!late.headersSent) refuse(late.req, late)
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  await within(LAST_BYTES_MS, closed)
  server.closeAllConnections()
  await closed
}

/** Resolves when the answer is finished or aborted. */
async function endConnectionWith(response: ServerResponse): Promise<void> {
  if (!response.headersSent) response.setHeader('Connection', 'close')
  await new Promise<void>((resolve) => response.once('close', resolve))
}

async function within(ms: number, end: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([end, over])
  clearTimeout(timer)
}
