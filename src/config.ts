import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { TlsMode } from './db/connect.ts'
import type { EncryptionKey } from './connections/token-cipher.ts'
import type { Environment } from './models/connection.ts'

export const ROLES = ['web', 'scheduler', 'worker'] as const
export type Role = (typeof ROLES)[number]

export interface Config {
  readonly production: boolean
  readonly port: number
  /** Where everything embedded, simulated or generated is kept. */
  readonly dataDirectory: string
  /** Null: the embedded Postgres. */
  readonly database: { readonly url: string; readonly tls: TlsMode } | null
  readonly databasePoolMax: number
  readonly roles: ReadonlySet<Role>
  /** Null: generated and kept in the data directory. */
  readonly adminToken: string | null
  /** Opens `/api` alone. Null: only the admin token does. */
  readonly readToken: string | null
  readonly metricsToken: string | null
  readonly metricsPerCompany: boolean
  readonly quickbooks: {
    readonly environment: Environment
    /** Null: the simulator's. */
    readonly app: { readonly clientId: string; readonly clientSecret: string } | null
    readonly apiBaseUrl: string
    readonly authorizeUrl: string
    readonly tokenUrl: string
    readonly revokeUrl: string
    readonly redirectUri: string
    readonly webhookVerifierToken: string | null
    readonly monthlyCallBudget: number | null
  }
  /** Null: generated and kept in the data directory. */
  readonly encryptionKeys: readonly EncryptionKey[] | null
  readonly syncIntervalSeconds: number
  readonly syncConcurrency: number
  readonly runRetentionDays: number
  /** How many nights a round of complete listings takes. Null: none is scheduled. */
  readonly reconcileDays: number | null
  readonly log: { readonly level: string; readonly format: 'json' | 'pretty' }
}

export type Env = Readonly<Record<string, string | undefined>>

/** All problems with the environment, in one message. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/** The only place that reads the process's environment. */
export function readEnv(): Env {
  return { ...process.env }
}

/**
 * The environment as typed settings, with defaults.
 *
 * @throws ConfigError listing every variable that is missing or wrong. It names them and never shows their values.
 */
export function toConfig(env: Env): Config {
  const set = withoutEmpty(env)
  const parsed = ENV.safeParse(set)
  const problems = [...(parsed.success ? [] : named(parsed.error)), ...missingTogether(set)]
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  return assemble(parsed.data)
}

/**
 * The database alone, for commands that need nothing else.
 *
 * @throws ConfigError when DATABASE_URL is missing or malformed, or NODE_ENV is unknown.
 */
export function toDatabase(env: Env): StoredAt {
  const parsed = DATABASE.safeParse(withoutEmpty(env))
  if (!parsed.success) throw new ConfigError(named(parsed.error))
  return storedAt(parsed.data)
}

/**
 * The database and the keys of the tokens in it, the newest first.
 *
 * @throws ConfigError when one of them is missing or malformed.
 */
export function toRotation(env: Env): StoredAt & { keys: readonly EncryptionKey[] } {
  const parsed = ROTATION.safeParse(withoutEmpty(env))
  if (!parsed.success) throw new ConfigError(named(parsed.error))
  return { ...storedAt(parsed.data), keys: parsed.data.TOKEN_ENCRYPTION_KEYS }
}

interface StoredAt {
  readonly url: string
  readonly tls: TlsMode
}

function storedAt({ DATABASE_URL: url, NODE_ENV: mode }: z.infer<typeof DATABASE>): StoredAt {
  return { url, tls: tlsOf(url, mode === 'production') ?? 'verify' }
}

const INTUIT = {
  authorizeUrl: 'https://appcenter.intuit.com/connect/oauth2',
  tokenUrl: 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
  revokeUrl: 'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
  apiBaseUrl: {
    sandbox: 'https://sandbox-quickbooks.api.intuit.com',
    production: 'https://quickbooks.api.intuit.com',
  },
} as const

/** What is wrong, each with its variable's name. */
function named({ issues }: z.ZodError): string[] {
  return issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}

const DATA_DIRECTORY = fileURLToPath(new URL('../.data', import.meta.url))

// AES-256 takes keys of exactly this size.
const KEY_BYTES = 32

// Shorter ones can be guessed over the network.
const SHORTEST_TOKEN = 16

const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((number) => number >= least && number <= most, `must lie between ${least} and ${most}`)

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' })

const bearer = z.string().min(SHORTEST_TOKEN, `must have at least ${SHORTEST_TOKEN} characters`)

const postgresUrl = z
  .string('must be set; npm start manages the embedded Postgres itself')
  .refine(isPostgresUrl, 'must be an address such as postgres://user:password@host:5432/database')
  .refine(
    (url) => !isPostgresUrl(url) || tlsOf(url, false) !== null,
    'sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full',
  )

const keyRing = z.string('must be set: the new key first, the old ones after it').transform(toEncryptionKeys)

const ENV = z.object({
  // Any other value would count as development, where the database is embedded and lost with the host's disk.
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production')
    .default('development'),
  PORT: whole(0, 65_535).default(3000),
  DATABASE_URL: postgresUrl.optional(),
  // A process has two more, and its queue uses four of the total: with fewer, two token renewals that Intuit leaves
  // unanswered would hold the rest.
  DATABASE_POOL_MAX: whole(5, 1000).default(10),
  ROLES: z.string().default(ROLES.join(',')).transform(toRoles),
  ADMIN_TOKEN: bearer.optional(),
  READ_TOKEN: bearer.optional(),
  METRICS_TOKEN: bearer.optional(),
  METRICS_PER_COMPANY: z
    .enum(['true', 'false'])
    .default('true')
    .transform((text) => text === 'true'),
  QBO_CLIENT_ID: z.string().optional(),
  QBO_CLIENT_SECRET: z.string().optional(),
  QBO_ENVIRONMENT: z.enum(['sandbox', 'production']).optional(),
  QBO_REDIRECT_URI: httpUrl.optional(),
  QBO_API_BASE_URL: httpUrl.optional(),
  QBO_OAUTH_AUTHORIZE_URL: httpUrl.optional(),
  QBO_OAUTH_TOKEN_URL: httpUrl.optional(),
  QBO_OAUTH_REVOKE_URL: httpUrl.optional(),
  QBO_WEBHOOK_VERIFIER_TOKEN: z
    .string()
    .min(16, 'must be the verifier token of the app, as Intuit shows it')
    .optional(),
  TOKEN_ENCRYPTION_KEYS: keyRing.optional(),
  SYNC_INTERVAL_MINUTES: whole(1, 1440).default(15),
  RUN_RETENTION_DAYS: whole(1, 36_500).default(90),
  RECONCILE_INTERVAL_DAYS: whole(0, 365).default(7),
  SYNC_CONCURRENCY: whole(1, 200).default(8),
  QBO_MONTHLY_CALL_BUDGET: whole(1, 1_000_000_000).optional(),
  LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  LOG_FORMAT: z.enum(['json', 'pretty']).optional(),
})

type ParsedEnv = z.infer<typeof ENV>

const DATABASE = ENV.pick({ NODE_ENV: true }).extend({ DATABASE_URL: postgresUrl })
const ROTATION = DATABASE.extend({ TOKEN_ENCRYPTION_KEYS: keyRing })

/** An empty variable counts as unset: that is how compose files and shells leave one out. */
function withoutEmpty(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
}

/** Problems that show only when variables are seen together. */
function missingTogether(env: Env): string[] {
  const problems: string[] = []
  if (env['READ_TOKEN'] && env['READ_TOKEN'] === env['ADMIN_TOKEN']) {
    problems.push('READ_TOKEN: must differ from ADMIN_TOKEN, or every reader could operate the service')
  }
  if (env['NODE_ENV'] === 'production') {
    const needed = [
      'DATABASE_URL',
      'ADMIN_TOKEN',
      'QBO_CLIENT_ID',
      'QBO_CLIENT_SECRET',
      'QBO_ENVIRONMENT',
      'TOKEN_ENCRYPTION_KEYS',
    ]
    for (const name of needed) if (!env[name]) problems.push(`${name}: must be set in production`)
  } else if (Boolean(env['QBO_CLIENT_ID']) !== Boolean(env['QBO_CLIENT_SECRET'])) {
    const name = env['QBO_CLIENT_ID'] ? 'QBO_CLIENT_SECRET' : 'QBO_CLIENT_ID'
    problems.push(`${name}: must be set together with the other one`)
  }
  return problems
}

function assemble(env: ParsedEnv): Config {
  const production = env.NODE_ENV === 'production'
  const app =
    env.QBO_CLIENT_ID && env.QBO_CLIENT_SECRET
      ? { clientId: env.QBO_CLIENT_ID, clientSecret: env.QBO_CLIENT_SECRET }
      : null
  const environment = env.QBO_ENVIRONMENT ?? 'sandbox'
  return {
    production,
    port: env.PORT,
    dataDirectory: DATA_DIRECTORY,
    database: env.DATABASE_URL
      ? { url: env.DATABASE_URL, tls: tlsOf(env.DATABASE_URL, production) ?? 'verify' }
      : null,
    databasePoolMax: env.DATABASE_POOL_MAX,
    roles: env.ROLES,
    adminToken: env.ADMIN_TOKEN ?? null,
    readToken: env.READ_TOKEN ?? null,
    metricsToken: env.METRICS_TOKEN ?? (production ? (env.ADMIN_TOKEN ?? null) : null),
    metricsPerCompany: env.METRICS_PER_COMPANY,
    quickbooks: {
      environment: app ? environment : 'simulator',
      app,
      apiBaseUrl: env.QBO_API_BASE_URL ?? INTUIT.apiBaseUrl[environment],
      authorizeUrl: env.QBO_OAUTH_AUTHORIZE_URL ?? INTUIT.authorizeUrl,
      tokenUrl: env.QBO_OAUTH_TOKEN_URL ?? INTUIT.tokenUrl,
      revokeUrl: env.QBO_OAUTH_REVOKE_URL ?? INTUIT.revokeUrl,
      redirectUri: env.QBO_REDIRECT_URI ?? `http://localhost:${env.PORT}/connect/callback`,
      webhookVerifierToken: env.QBO_WEBHOOK_VERIFIER_TOKEN ?? null,
      monthlyCallBudget: env.QBO_MONTHLY_CALL_BUDGET ?? null,
    },
    encryptionKeys: env.TOKEN_ENCRYPTION_KEYS ?? null,
    syncIntervalSeconds: env.SYNC_INTERVAL_MINUTES * 60,
    syncConcurrency: env.SYNC_CONCURRENCY,
    runRetentionDays: env.RUN_RETENTION_DAYS,
    reconcileDays: env.RECONCILE_INTERVAL_DAYS || null,
    log: { level: env.LOG_LEVEL, format: env.LOG_FORMAT ?? (production ? 'json' : 'pretty') },
  }
}

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return ['postgres:', 'postgresql:'].includes(protocol) && hostname !== ''
}

/** libpq's `sslmode`; without one, encrypted in production unless the server is on this machine. Null: unknown mode. */
function tlsOf(url: string, production: boolean): TlsMode | null {
  const { searchParams, hostname } = new URL(url)
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  switch (searchParams.get('sslmode')) {
    case null:
      return production && !loopback ? 'encrypt' : 'off'
    // libpq would try both; people set these modes for servers that cannot encrypt.
    case 'disable':
    case 'allow':
    case 'prefer':
      return 'off'
    case 'require':
      return 'encrypt'
    case 'verify-ca':
    case 'verify-full':
      return 'verify'
    default:
      return null
  }
}

function toRoles(text: string, context: z.RefinementCtx): ReadonlySet<Role> {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !(ROLES as readonly string[]).includes(name))
  if (unknown.length > 0) {
    context.addIssue({
      code: 'custom',
      message: `may name ${ROLES.join(', ')}, but not "${unknown.join('", "')}"`,
    })
  }
  return new Set(names as Role[])
}

function toEncryptionKeys(text: string, context: z.RefinementCtx): EncryptionKey[] {
  const keys = text.split(',').map((part) => {
    const [id = '', encoded = ''] = part.trim().split(/:(.*)/s)
    return { id, key: Buffer.from(encoded, 'base64') }
  })
  const bad = keys.findIndex(({ id, key }) => !/^[A-Za-z0-9_-]{1,32}$/.test(id) || key.length !== KEY_BYTES)
  if (bad >= 0) {
    context.addIssue({
      code: 'custom',
      message: `key ${bad + 1} of the list must look like keyId:base64, the base64 holding exactly ${KEY_BYTES} bytes`,
    })
  }
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) {
    context.addIssue({ code: 'custom', message: 'names one key id twice' })
  }
  return keys
}
