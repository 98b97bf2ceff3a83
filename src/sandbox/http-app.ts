import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { Express } from 'express'
import { controlRoutes, HELP } from './control-routes.ts'
import type { ControlServices } from './control-routes.ts'
import { dataRoutes } from './data-routes.ts'
import type { DataServices } from './data-routes.ts'
import { oauthRoutes } from './oauth-routes.ts'
import type { OauthServices } from './oauth-routes.ts'

/** OAuth, the Accounting API and the control routes in one app. */
export function createHttpApp(oauth: OauthServices, data: DataServices, control: ControlServices): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // Bodies stay text: what is recorded of an attempt to write should be what came.
  app.use(express.text({ type: () => true, limit: '1mb' }))
  app.get('/', (_request, response) => response.type('text/plain').send(HELP))
  app.use(oauthRoutes(oauth))
  app.use('/v3/company', dataRoutes(data))
  app.use('/sandbox', controlRoutes(control))
  return app
}

/** Longer than a client idles: a connection closed at the moment of its next use would look like a fault. */
const KEEP_ALIVE_MS = 120_000

/** Listens on loopback alone. Rejects when the port is taken. */
export async function listen(app: Express, port: number): Promise<{ server: Server; url: string }> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, app)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export async function closeAtOnce(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
