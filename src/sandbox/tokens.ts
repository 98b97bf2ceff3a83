import { createHash } from 'node:crypto'
import { isAdmin, USUAL_PERSON } from './people.ts'
import type { AdminRights, PersonId } from './people.ts'

/** Intuit's OAuth 2.0 as far as a server-side app sees it. All state is plain data, so that it can be kept. */

const HOUR_MS = 3_600_000
const ACCESS_LIFE_MS = HOUR_MS
/** The value changes on the first refresh after this, and the value before it works as long again. */
const ROTATION_MS = 24 * HOUR_MS
const REFRESH_LIFE_MS = 100 * 24 * HOUR_MS
const CODE_LIFE_MS = 10 * 60_000
/** From consent on, however often it is used. */
const HARD_LIFE_MS = 5 * 365 * 24 * HOUR_MS
/** What Intuit says a refresh token has left, which each use renews: a day more than the documented hundred. */
const REFRESH_LIFE_SECONDS = 8_726_400

interface Connection {
  current: { value: string; issuedMs: number; expiresMs: number }
  previous: { value: string; expiresMs: number } | null
  /** Who consented, and when; missing where an earlier release kept the tokens. */
  person?: PersonId
  authorizedMs?: number
}

/** How the token server hands out tokens: Intuit's way, or a harder one that finds a client which loses a value. */
export interface TokenPolicy {
  accessLifeSeconds: number
  /** Whether each refresh changes the value and kills the one before it at once. */
  replacesAtOnce: boolean
}

const INTUITS_POLICY: TokenPolicy = { accessLifeSeconds: ACCESS_LIFE_MS / 1000, replacesAtOnce: false }

export interface TokenState {
  /** How many tokens were made; each value is derived from it. */
  issued: number
  /** Null: revoked. */
  connections: Record<string, Connection | null>
  access: Record<string, { realmId: string; expiresMs: number }>
  codes: Record<string, { realmId: string; redirectUri: string; expiresMs: number; person?: PersonId }>
  /** Missing where nobody's rights were changed. */
  rights?: AdminRights
}

export interface TokenGrant {
  token_type: 'bearer'
  access_token: string
  expires_in: number
  refresh_token: string
  x_refresh_token_expires_in: number
  /** Sent to those alone who ask for it. */
  x_refresh_token_hard_expires_in: number
}

export interface TokenServer {
  /** Issues the first refresh token of a company; one that ever had any stays as it is. */
  connectOnce(realmId: string): void
  /** The refresh token to use now; empty after a revocation, until somebody authorizes again. */
  refreshToken(realmId: string): string
  /** The company that a refresh token, valid or not any more, was last issued for. */
  realmOfRefreshToken(refreshToken: string): string | null
  authorizationCode(realmId: string, redirectUri: string, person: PersonId): string
  /** Who consented to the connection that is in force; null when there is none. */
  connectedBy(realmId: string): PersonId | null
  isAdmin(realmId: string, person: PersonId): boolean
  setAdmin(realmId: string, person: PersonId, isAdmin: boolean): void
  /** As an admin does it inside QuickBooks: all tokens of the company die at once. */
  disconnect(realmId: string): void
  /** Holds until the simulator stops. */
  setPolicy(policy: Partial<TokenPolicy>): void
  /** Null: invalid_grant. */
  exchangeCode(code: string, redirectUri: string): TokenGrant | null
  /** Null: invalid_grant. */
  refresh(refreshToken: string): TokenGrant | null
  /** Takes a refresh or an access token; the company is disconnected. False when it knows neither. */
  revoke(token: string): boolean
  /** The company an access token is for; null when it is unknown or has expired. */
  realmOf(accessToken: string): string | null
}

export const NO_TOKENS: TokenState = { issued: 0, connections: {}, access: {}, codes: {} }

export interface TokenServerOptions {
  now: () => number
  seed: number
  state: TokenState
  /** Called after every change, before the answer goes out. */
  save(state: TokenState): void
}

export function createTokenServer({ now, seed, state, save }: TokenServerOptions): TokenServer {
  let policy = INTUITS_POLICY
  const make = (prefix: string, length: number) => {
    state.issued += 1
    const digest = createHash('sha512').update(`${seed} ${prefix} ${state.issued}`).digest('base64url')
    return `${prefix}${digest.replace(/[-_]/g, 'x')}`.slice(0, length)
  }
  const newRefreshToken = () => ({
    value: make('AB11', 50),
    issuedMs: now(),
    expiresMs: now() + REFRESH_LIFE_MS,
  })
  const connect = (realmId: string, person: PersonId) => {
    const authorizedMs = now()
    state.connections[realmId] = { current: newRefreshToken(), previous: null, person, authorizedMs }
    save(state)
  }
  const grant = (realmId: string, { current, authorizedMs = now() }: Connection): TokenGrant => {
    forgetExpired(state, now())
    const accessToken = make('eyJlbmMi', 86)
    state.access[accessToken] = { realmId, expiresMs: now() + policy.accessLifeSeconds * 1000 }
    save(state)
    return {
      token_type: 'bearer',
      access_token: accessToken,
      expires_in: policy.accessLifeSeconds,
      refresh_token: current.value,
      x_refresh_token_expires_in: REFRESH_LIFE_SECONDS,
      x_refresh_token_hard_expires_in: Math.floor((authorizedMs + HARD_LIFE_MS - now()) / 1000),
    }
  }
  const refresh = (refreshToken: string) => {
    const found = connectionOf(state, refreshToken, now())
    if (!found) return null
    const [realmId, connection] = found
    if (hardEnd(connection) <= now()) return null
    if (policy.replacesAtOnce) Object.assign(connection, { current: newRefreshToken(), previous: null })
    else rotate(connection, refreshToken, now(), newRefreshToken)
    return grant(realmId, connection)
  }
  const exchangeCode = (code: string, redirectUri: string) => {
    const known = state.codes[code]
    delete state.codes[code]
    if (!known || known.redirectUri !== redirectUri || known.expiresMs <= now()) return null
    connect(known.realmId, known.person ?? USUAL_PERSON)
    return grant(known.realmId, state.connections[known.realmId] as Connection)
  }
  const authorizationCode = (realmId: string, redirectUri: string, person: PersonId) => {
    const code = make('AB', 50)
    state.codes[code] = { realmId, redirectUri, expiresMs: now() + CODE_LIFE_MS, person }
    save(state)
    return code
  }
  const disconnect = (realmId: string) => {
    state.connections[realmId] = null
    for (const [value, access] of Object.entries(state.access)) {
      if (access.realmId === realmId) delete state.access[value]
    }
    save(state)
  }
  const setAdmin = (realmId: string, person: PersonId, may: boolean) => {
    state.rights = { ...state.rights, [realmId]: { ...state.rights?.[realmId], [person]: may } }
    save(state)
  }
  const revoke = (token: string) => {
    const realmId = connectionOf(state, token, now())?.[0] ?? state.access[token]?.realmId
    if (realmId === undefined) return false
    disconnect(realmId)
    return true
  }
  const realmOf = (accessToken: string) => {
    const access = state.access[accessToken]
    return access && access.expiresMs > now() ? access.realmId : null
  }
  return {
    connectOnce: (realmId) => {
      if (!(realmId in state.connections)) connect(realmId, USUAL_PERSON)
    },
    refreshToken: (realmId) => state.connections[realmId]?.current.value ?? '',
    realmOfRefreshToken: (refreshToken) => realmOfRefreshToken(state, refreshToken),
    authorizationCode,
    connectedBy: (realmId) => {
      const connection = state.connections[realmId]
      return connection ? (connection.person ?? USUAL_PERSON) : null
    },
    isAdmin: (realmId, person) => isAdmin(state.rights ?? {}, realmId, person),
    setAdmin,
    disconnect,
    setPolicy: (wanted) => {
      policy = { ...policy, ...wanted }
    },
    exchangeCode,
    refresh,
    revoke,
    realmOf,
  }
}

function hardEnd({ authorizedMs }: Connection): number {
  return authorizedMs === undefined ? Infinity : authorizedMs + HARD_LIFE_MS
}

/** The value changes once a day at most, and only when the current one is used; each use prolongs its life. */
function rotate(
  connection: Connection,
  used: string,
  nowMs: number,
  next: () => Connection['current'],
): void {
  const { current } = connection
  if (used === current.value && nowMs - current.issuedMs >= ROTATION_MS) {
    connection.previous = { value: current.value, expiresMs: nowMs + ROTATION_MS }
    connection.current = next()
  }
  connection.current.expiresMs = nowMs + REFRESH_LIFE_MS
}

function connectionOf(state: TokenState, refreshToken: string, nowMs: number): [string, Connection] | null {
  for (const [realmId, connection] of Object.entries(state.connections)) {
    if (connection === null) continue
    const { current, previous } = connection
    if (current.value === refreshToken && current.expiresMs > nowMs) return [realmId, connection]
    if (previous?.value === refreshToken && previous.expiresMs > nowMs) return [realmId, connection]
  }
  return null
}

function realmOfRefreshToken({ connections }: TokenState, refreshToken: string): string | null {
  const holds = (connection: Connection | null) =>
    connection?.current.value === refreshToken || connection?.previous?.value === refreshToken
  return Object.entries(connections).find(([, connection]) => holds(connection))?.[0] ?? null
}

function forgetExpired(state: TokenState, nowMs: number): void {
  for (const [value, { expiresMs }] of Object.entries(state.access)) {
    if (expiresMs <= nowMs) delete state.access[value]
  }
  for (const [value, { expiresMs }] of Object.entries(state.codes)) {
    if (expiresMs <= nowMs) delete state.codes[value]
  }
}
