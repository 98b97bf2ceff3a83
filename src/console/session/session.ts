import { hkdfSync, randomUUID } from 'node:crypto'
import type { Request, Response } from 'express'
import { getIronSession, nodeCookies, type IronSession, type SessionOptions } from 'iron-session'
import { rowsOf, rowsOfPrepared, type Database } from '../../db/database.ts'

/** A working day with some room: nobody signs in twice a day, and a forgotten browser is not open for ever. */
export const SESSION_SECONDS = 12 * 3600

export interface Sessions {
  /** Signs the browser in. */
  begin(request: Request, response: Response): Promise<void>
  /** Whether the request comes from a browser that is signed in. */
  isOpen(request: Request, response: Response): Promise<boolean>
  /** Signs the browser out, and with it every copy of its cookie. */
  end(request: Request, response: Response): Promise<void>
}

/**
 * Sessions as rows, each named in a sealed cookie. The seal comes from the admin token: another token, and every
 * session of the old one is over.
 */
export function createSessions(database: Database, adminToken: string): Sessions {
  const password = Buffer.from(hkdfSync('sha256', adminToken, '', 'console session', KEY_BYTES)).toString(
    'base64url',
  )
  const open = (request: Request, response: Response): Promise<IronSession<Sealed>> =>
    getIronSession<Sealed>(nodeCookies(request, response), optionsFor(request, password))
  return {
    async begin(request, response) {
      const session = await open(request, response)
      session.id = await insertSession(database)
      await session.save()
    },
    async isOpen(request, response) {
      if (request.headers.cookie === undefined) return false
      const { id } = await open(request, response)
      return id !== undefined && (await isAlive(database, id))
    },
    async end(request, response) {
      const session = await open(request, response)
      if (session.id !== undefined) await deleteSession(database, session.id)
      session.destroy()
    },
  }
}

interface Sealed {
  id: string
}

const KEY_BYTES = 32

function optionsFor(request: Request, password: string): SessionOptions {
  return {
    cookieName: 'ledger_session',
    password,
    ttl: SESSION_SECONDS,
    // Lax: an address sent by mail opens signed in. What changes something is refused from elsewhere (same-origin.ts).
    cookieOptions: { httpOnly: true, sameSite: 'lax', secure: cameEncrypted(request), path: '/' },
  }
}

/** Also behind a router that ends TLS. Whoever forges the header harms only their own cookie. */
function cameEncrypted(request: Request): boolean {
  const forwarded = request.get('x-forwarded-proto')?.split(',')[0]?.trim()
  return forwarded === undefined ? 'encrypted' in request.socket : forwarded === 'https'
}

async function insertSession({ knex, clock }: Database): Promise<string> {
  const id = randomUUID()
  const now = clock.now()
  const endsAt = new Date(now.getTime() + SESSION_SECONDS * 1000)
  // Those that are over go when another begins: nothing else needs them gone.
  await rowsOf(
    knex,
    `WITH over AS (DELETE FROM console_sessions WHERE ends_at < :now)
     INSERT INTO console_sessions (id, began_at, ends_at)
     VALUES (:id, :now, :endsAt)`,
    { id, now, endsAt },
  )
  return id
}

async function isAlive({ knex, clock }: Database, id: string): Promise<boolean> {
  const rows = await rowsOfPrepared(
    knex,
    `SELECT 1 AS alive
       FROM console_sessions
      WHERE id = CAST(:id AS uuid) AND ends_at > :now`,
    { id, now: clock.now() },
  )
  return rows.length > 0
}

async function deleteSession({ knex }: Database, id: string): Promise<void> {
  await rowsOf(knex, 'DELETE FROM console_sessions WHERE id = CAST(:id AS uuid)', { id })
}
