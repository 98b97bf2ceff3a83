import type { RequestListener, Server, ServerResponse } from 'node:http'
import { answersUnderWay } from './open-server.ts'

// Of the 10 seconds in which the whole service promises to be gone, with 5 for the jobs afterwards.
const GRACE_MS = 3_000
// What is answered by then is on its way; who does not take it has no more claim to it.
const LAST_BYTES_MS = 250

/**
 * Ends a server that answers meanwhile whatever comes: requests under way get a moment, and `refuse` answers those that
 * need longer. Idle kept-alive connections are closed at once, and every other one with its answer.
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

/** Resolves when the answer is given, or given up. */
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
