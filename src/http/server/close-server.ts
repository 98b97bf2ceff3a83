import type { Server } from 'node:http'

// Of the 10 seconds in which the whole service promises to be gone.
const GRACE_MS = 1_000

/** Requests under way get a moment; idle kept-alive connections none. Whatever else is open then is cut off. */
export async function closeServer(server: Server, graceMs = GRACE_MS): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}
