import { createHash } from 'node:crypto'

/** Intuit's OAuth 2.0 as far as a server-side app sees it. All state is plain data, so that it can be kept. */

const HOUR_MS = 3_600_000
const ACCESS_LIFE_MS = HOUR_MS
/** The value changes on the first refresh after this, and the value before it works as long again. */
const ROTATION_MS = 24 * HOUR_MS
const REFRESH_LIFE_MS = 100 * 24 * HOUR_MS
const CODE_LIFE_MS = 10 * 60_000
/** What Intuit says a refresh token has left, which each use renews: a day more than the documented hundred. */
const REFRESH_LIFE_SECONDS = 8_726_400

interface Connection {
  current: { value: string; issuedMs: number; expiresMs: number }
  previous: { value: string; expiresMs: number } | null
}

export interface TokenState {
  /** How many tokens were made; each value is derived from it. */
  issued: number
  /** Null: revoked. */
  connections: Record<string, Connection | null>
  access: Record<string, { realmId: string; expiresMs: number }>
  codes: Record<string, { realmId: string; redirectUri: string; expiresMs: number }>
}

export interface TokenGrant {
  token_type: 'bearer'
  access_token: string
  expires_in: number
  refresh_token: string
  x_refresh_token_expires_in: number
}

export interface TokenServer {
  /** Issues the first refresh token of a company; one that ever had any stays as it is. */
  connectOnce(realmId: string): void
  /** The refresh token to use now; empty after a revocation, until somebody authorizes again. */
  refreshToken(realmId: string): string
  /** The company that a refresh token, valid or not any more, was last issued for. */
  realmOfRefreshToken(refreshToken: string): string | null
  authorizationCode(realmId: string, redirectUri: string): string
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
  const connect = (realmId: string) => {
    state.connections[realmId] = { current: newRefreshToken(), previous: null }
    save(state)
  }
  const grant = (realmId: string, { current }: Connection): TokenGrant => {
    forgetExpired(state, now())
    const accessToken = make('eyJlbmMi', 86)
    state.access[accessToken] = { realmId, expiresMs: now() + ACCESS_LIFE_MS }
    save(state)
    return {
      token_type: 'bearer',
      access_token: accessToken,
      expires_in: ACCESS_LIFE_MS / 1000,
      refresh_token: current.value,
      x_refresh_token_expires_in: REFRESH_LIFE_SECONDS,
    }
  }
  const refresh = (refreshToken: string) => {
    const found = connectionOf(state, refreshToken, now())
    if (!found) return null
    const [realmId, connection] = found
    rotate(connection, refreshToken, now(), newRefreshToken)
    return grant(realmId, connection)
  }
  const exchangeCode = (code: string, redirectUri: string) => {
    const known = state.codes[code]
    delete state.codes[code]
    if (!known || known.redirectUri !== redirectUri || known.expiresMs <= now()) return null
    connect(known.realmId)
    return grant(known.realmId, state.connections[known.realmId] as Connection)
  }
  const authorizationCode = (realmId: string, redirectUri: string) => {
    const code = make('AB', 50)
    state.codes[code] = { realmId, redirectUri, expiresMs: now() + CODE_LIFE_MS }
    save(state)
    return code
  }
  const revoke = (token: string) => {
    const realmId = connectionOf(state, token, now())?.[0] ?? state.access[token]?.realmId
    if (realmId === undefined) return false
    state.connections[realmId] = null
    for (const [value, access] of Object.entries(state.access)) {
      if (access.realmId === realmId) delete state.access[value]
    }
    save(state)
    return true
  }
  const realmOf = (accessToken: string) => {
    const access = state.access[accessToken]
    return access && access.expiresMs > now() ? access.realmId : null
  }
  return {
    connectOnce: (realmId) => {
      if (!(realmId in state.connections)) connect(realmId)
    },
    refreshToken: (realmId) => state.connections[realmId]?.current.value ?? '',
    realmOfRefreshToken: (refreshToken) => realmOfRefreshToken(state, refreshToken),
    authorizationCode,
    exchangeCode,
    refresh,
    revoke,
    realmOf,
  }
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
