import { describe, expect, test } from '@jest/globals'
import { ConfigError, readEnv, toConfig, toDatabase, type Config, type Env } from '../src/config.ts'

const KEY = Buffer.alloc(32, 9).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 8).toString('base64')
const TOKEN = 'a-bearer-token-of-28-letters'

const PRODUCTION: Env = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://ledger:pass@db.example/ledger',
  ADMIN_TOKEN: TOKEN,
  QBO_CLIENT_ID: 'client',
  QBO_CLIENT_SECRET: 'client secret',
  QBO_ENVIRONMENT: 'production',
  TOKEN_ENCRYPTION_KEYS: `first:${KEY}`,
}

/** What is wrong with an environment, line by line. */
function problems(env: Env): string[] {
  try {
    toConfig(env)
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.replace('  - ', ''))
    throw error
  }
  return []
}

describe('with nothing set', () => {
  test('everything is embedded, simulated or generated', () => {
    expect(toConfig({})).toEqual({
      production: false,
      port: 3000,
      dataDirectory: expect.stringMatching(/[/\\]\.data$/),
      database: null,
      databasePoolMax: 10,
      roles: new Set(['web', 'scheduler', 'worker']),
      adminToken: null,
      readToken: null,
      metricsToken: null,
      metricsPerCompany: true,
      quickbooks: {
        environment: 'simulator',
        app: null,
        apiBaseUrl: 'https://sandbox-quickbooks.api.intuit.com',
        authorizeUrl: 'https://appcenter.intuit.com/connect/oauth2',
        tokenUrl: 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
        revokeUrl: 'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
        redirectUri: 'http://localhost:3000/connect/callback',
        webhookVerifierToken: null,
        monthlyCallBudget: null,
      },
      encryptionKeys: null,
      syncIntervalSeconds: 900,
      syncConcurrency: 8,
      runRetentionDays: 90,
      reconcileDays: 7,
      log: { level: 'info', format: 'pretty' },
    })
  })

  test('and what is set to nothing counts as unset', () => {
    expect(toConfig({ PORT: '', DATABASE_URL: '', ROLES: '', ADMIN_TOKEN: '', UNRELATED: 'x' })).toEqual(
      toConfig({}),
    )
  })
})

/** A variable, a value that is taken, and what it becomes. */
const TAKEN: [string, string, (config: Config) => unknown, unknown][] = [
  ['PORT', '8080', ({ port }) => port, 8080],
  ['PORT', '8080', ({ quickbooks }) => quickbooks.redirectUri, 'http://localhost:8080/connect/callback'],
  ['PORT', '0', ({ port }) => port, 0],
  ['DATABASE_POOL_MAX', '5', ({ databasePoolMax }) => databasePoolMax, 5],
  ['ROLES', 'web', ({ roles }) => [...roles], ['web']],
  ['ROLES', 'scheduler, worker', ({ roles }) => [...roles], ['scheduler', 'worker']],
  ['ADMIN_TOKEN', TOKEN, ({ adminToken }) => adminToken, TOKEN],
  ['READ_TOKEN', TOKEN, ({ readToken }) => readToken, TOKEN],
  ['METRICS_TOKEN', TOKEN, ({ metricsToken }) => metricsToken, TOKEN],
  ['METRICS_PER_COMPANY', 'false', ({ metricsPerCompany }) => metricsPerCompany, false],
  ['METRICS_PER_COMPANY', 'true', ({ metricsPerCompany }) => metricsPerCompany, true],
  [
    'QBO_REDIRECT_URI',
    'https://ledger.example/cb',
    ({ quickbooks }) => quickbooks.redirectUri,
    'https://ledger.example/cb',
  ],
  [
    'QBO_API_BASE_URL',
    'http://127.0.0.1:4010',
    ({ quickbooks }) => quickbooks.apiBaseUrl,
    'http://127.0.0.1:4010',
  ],
  ['QBO_OAUTH_AUTHORIZE_URL', 'http://h/a', ({ quickbooks }) => quickbooks.authorizeUrl, 'http://h/a'],
  ['QBO_OAUTH_TOKEN_URL', 'http://h/t', ({ quickbooks }) => quickbooks.tokenUrl, 'http://h/t'],
  ['QBO_OAUTH_REVOKE_URL', 'http://h/r', ({ quickbooks }) => quickbooks.revokeUrl, 'http://h/r'],
  [
    'QBO_WEBHOOK_VERIFIER_TOKEN',
    'a-verifier-token',
    ({ quickbooks }) => quickbooks.webhookVerifierToken,
    'a-verifier-token',
  ],
  ['QBO_MONTHLY_CALL_BUDGET', '500000', ({ quickbooks }) => quickbooks.monthlyCallBudget, 500_000],
  ['SYNC_INTERVAL_MINUTES', '20', ({ syncIntervalSeconds }) => syncIntervalSeconds, 1200],
  ['RECONCILE_INTERVAL_DAYS', '30', ({ reconcileDays }) => reconcileDays, 30],
  ['RECONCILE_INTERVAL_DAYS', '0', ({ reconcileDays }) => reconcileDays, null],
  ['RUN_RETENTION_DAYS', '7', ({ runRetentionDays }) => runRetentionDays, 7],
  ['SYNC_CONCURRENCY', '1', ({ syncConcurrency }) => syncConcurrency, 1],
  ['LOG_LEVEL', 'debug', ({ log }) => log.level, 'debug'],
  ['LOG_FORMAT', 'json', ({ log }) => log.format, 'json'],
  [
    'TOKEN_ENCRYPTION_KEYS',
    `new:${KEY}, old_2:${OTHER_KEY}`,
    ({ encryptionKeys }) => encryptionKeys,
    [
      { id: 'new', key: Buffer.alloc(32, 9) },
      { id: 'old_2', key: Buffer.alloc(32, 8) },
    ],
  ],
]

test.each(TAKEN)('%s=%s is taken', (name, value, read, expected) => {
  expect(read(toConfig({ [name]: value }))).toEqual(expected)
})

describe('a value that cannot be meant is named with its variable', () => {
  test.each([
    ['PORT', '3000.5', 'must be a whole number'],
    ['PORT', '-1', 'must be a whole number'],
    ['PORT', '65536', 'must lie between 0 and 65535'],
    ['DATABASE_URL', 'db.example', 'must be an address such as postgres://'],
    ['QBO_WEBHOOK_VERIFIER_TOKEN', 'guessed', 'must be the verifier token'],
    ['DATABASE_URL', 'mysql://db.example/x', 'must be an address such as postgres://'],
    ['DATABASE_URL', 'postgres:///x', 'must be an address such as postgres://'],
    ['DATABASE_URL', 'postgres://db.example/x?sslmode=always', 'sslmode must be one of disable'],
    ['DATABASE_POOL_MAX', '4', 'must lie between 5 and 1000'],
    ['ROLES', 'web,cook', 'may name web, scheduler, worker, but not "cook"'],
    ['ROLES', 'web,', 'may name web, scheduler, worker, but not ""'],
    ['ADMIN_TOKEN', 'short', 'must have at least 16 characters'],
    ['READ_TOKEN', 'short', 'must have at least 16 characters'],
    ['METRICS_TOKEN', 'short', 'must have at least 16 characters'],
    ['METRICS_PER_COMPANY', 'yes', 'expected one of "true"|"false"'],
    ['QBO_ENVIRONMENT', 'live', 'expected one of "sandbox"|"production"'],
    ['QBO_REDIRECT_URI', 'ledger.example', 'must be an http or https address'],
    ['QBO_API_BASE_URL', 'ftp://h', 'must be an http or https address'],
    ['QBO_OAUTH_AUTHORIZE_URL', 'h', 'must be an http or https address'],
    ['QBO_OAUTH_TOKEN_URL', 'h', 'must be an http or https address'],
    ['QBO_OAUTH_REVOKE_URL', 'h', 'must be an http or https address'],
    ['QBO_MONTHLY_CALL_BUDGET', '0', 'must lie between 1 and'],
    ['SYNC_INTERVAL_MINUTES', '0', 'must lie between 1 and 1440'],
    ['RECONCILE_INTERVAL_DAYS', 'weekly', 'must be a whole number'],
    ['RECONCILE_INTERVAL_DAYS', '366', 'must lie between 0 and 365'],
    ['RUN_RETENTION_DAYS', 'ten', 'must be a whole number'],
    ['SYNC_CONCURRENCY', '0', 'must lie between 1 and 200'],
    ['LOG_LEVEL', 'loud', 'expected one of'],
    ['LOG_FORMAT', 'xml', 'expected one of'],
    ['TOKEN_ENCRYPTION_KEYS', KEY, 'key 1 of the list must look like keyId:base64'],
    [
      'TOKEN_ENCRYPTION_KEYS',
      `first:${KEY},second:c2hvcnQ=`,
      'key 2 of the list must look like keyId:base64',
    ],
    ['TOKEN_ENCRYPTION_KEYS', `a b:${KEY}`, 'key 1 of the list must look like keyId:base64'],
    ['TOKEN_ENCRYPTION_KEYS', `one:${KEY},one:${OTHER_KEY}`, 'names one key id twice'],
    ['QBO_CLIENT_ID', 'alone', 'QBO_CLIENT_SECRET: must be set together with the other one'],
    ['QBO_CLIENT_SECRET', 'alone', 'QBO_CLIENT_ID: must be set together with the other one'],
  ])('%s=%s', (name, value, complaint) => {
    const found = problems({ [name]: value })
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(complaint)
    if (!complaint.startsWith('QBO_')) expect(found[0]!.startsWith(`${name}: `)).toBe(true)
  })

  test('and everything that is wrong comes in one message', () => {
    expect(problems({ PORT: 'x', ROLES: 'cook', LOG_LEVEL: 'loud', QBO_CLIENT_ID: 'alone' })).toHaveLength(4)
  })

  test('a reader whose token is the admin’s', () => {
    expect(problems({ ADMIN_TOKEN: TOKEN, READ_TOKEN: TOKEN })).toEqual([
      'READ_TOKEN: must differ from ADMIN_TOKEN, or every reader could operate the service',
    ])
    expect(toConfig({ ADMIN_TOKEN: TOKEN, READ_TOKEN: `${TOKEN}-2` }).readToken).toBe(`${TOKEN}-2`)
  })

  test('without the secrets among the values', () => {
    const secret = 'do-not-show-me'
    const all: Env = {
      NODE_ENV: 'production',
      DATABASE_URL: `mysql://ledger:${secret}@db.example/x`,
      ADMIN_TOKEN: secret,
      READ_TOKEN: secret,
      METRICS_TOKEN: secret,
      QBO_CLIENT_SECRET: secret,
      QBO_WEBHOOK_VERIFIER_TOKEN: secret,
      TOKEN_ENCRYPTION_KEYS: `first:${secret},${secret}`,
      QBO_API_BASE_URL: `ftp://user:${secret}@h`,
    }
    expect(problems(all).length).toBeGreaterThan(5)
    expect(problems(all).join()).not.toContain(secret)
    expect(
      problems({ ...all, DATABASE_URL: `postgres://ledger:${secret}@h/x?sslmode=${secret}` }).join(),
    ).not.toContain(secret)
  })
})

describe('in production', () => {
  test.each(['staging', 'Production', 'prod'])('NODE_ENV %s is nothing that could be meant', (mode) => {
    const wrong = ['NODE_ENV: must be development, test or production']
    expect(problems({ NODE_ENV: mode })).toEqual(wrong)
    expect(problems({ ...PRODUCTION, NODE_ENV: mode })).toEqual(wrong)
    const database = () => toDatabase({ NODE_ENV: mode, DATABASE_URL: 'postgres://h/x' })
    expect(database).toThrow('NODE_ENV: must be development, test or production')
  })

  test('everything that is missing is listed in one message', () => {
    expect(problems({ NODE_ENV: 'production' })).toEqual([
      'DATABASE_URL: must be set in production',
      'ADMIN_TOKEN: must be set in production',
      'QBO_CLIENT_ID: must be set in production',
      'QBO_CLIENT_SECRET: must be set in production',
      'QBO_ENVIRONMENT: must be set in production',
      'TOKEN_ENCRYPTION_KEYS: must be set in production',
    ])
  })

  test('each of them is needed', () => {
    expect(problems(PRODUCTION)).toEqual([])
    for (const name of Object.keys(PRODUCTION).filter((key) => key !== 'NODE_ENV')) {
      expect(problems({ ...PRODUCTION, [name]: '' })).toEqual([`${name}: must be set in production`])
    }
  })

  test('logs are JSON and metrics are behind the admin token', () => {
    const config = toConfig(PRODUCTION)
    expect(config).toMatchObject({
      production: true,
      metricsToken: TOKEN,
      log: { format: 'json' },
      quickbooks: { environment: 'production', apiBaseUrl: 'https://quickbooks.api.intuit.com' },
    })
    expect(toConfig({ ...PRODUCTION, METRICS_TOKEN: `${TOKEN}-2`, LOG_FORMAT: 'pretty' })).toMatchObject({
      metricsToken: `${TOKEN}-2`,
      log: { format: 'pretty' },
    })
  })
})

describe('the environment of connections', () => {
  const app = { QBO_CLIENT_ID: 'client', QBO_CLIENT_SECRET: 'client secret' }

  test.each([
    [{}, 'simulator'],
    [{ QBO_ENVIRONMENT: 'production' }, 'simulator'],
    [app, 'sandbox'],
    [{ ...app, QBO_ENVIRONMENT: 'sandbox' }, 'sandbox'],
    [{ ...app, QBO_ENVIRONMENT: 'production' }, 'production'],
  ])('for %j is %s', (env, environment) => {
    expect(toConfig(env).quickbooks.environment).toBe(environment)
  })
})

describe('encryption to the database', () => {
  const remote = 'postgres://ledger:pass@db.example/ledger'

  test.each([
    [remote, 'off', 'encrypt'],
    [`${remote}?sslmode=disable`, 'off', 'off'],
    [`${remote}?sslmode=allow`, 'off', 'off'],
    [`${remote}?sslmode=prefer`, 'off', 'off'],
    [`${remote}?sslmode=require`, 'encrypt', 'encrypt'],
    [`${remote}?sslmode=verify-ca`, 'verify', 'verify'],
    [`${remote}?sslmode=verify-full`, 'verify', 'verify'],
    [`${remote}?application_name=x&sslmode=verify-full`, 'verify', 'verify'],
    ['postgresql://ledger@db.example:6543/ledger', 'off', 'encrypt'],
    ['postgres://ledger@localhost/ledger', 'off', 'off'],
    ['postgres://ledger@127.0.0.1/ledger', 'off', 'off'],
    ['postgres://ledger@[::1]:5433/ledger', 'off', 'off'],
    ['postgres://ledger@localhost/ledger?sslmode=require', 'encrypt', 'encrypt'],
  ])('%s: %s, in production %s', (url, elsewhere, production) => {
    expect(toConfig({ DATABASE_URL: url }).database).toEqual({ url, tls: elsewhere })
    expect(toConfig({ ...PRODUCTION, DATABASE_URL: url }).database).toEqual({ url, tls: production })
    expect(toDatabase({ DATABASE_URL: url })).toEqual({ url, tls: elsewhere })
    expect(toDatabase({ NODE_ENV: 'production', DATABASE_URL: url })).toEqual({ url, tls: production })
  })
})

describe('the database alone', () => {
  test('needs nothing else, even in production', () => {
    expect(
      toDatabase({ NODE_ENV: 'production', DATABASE_URL: 'postgres://h/x', PORT: 'wrong' }),
    ).toMatchObject({ url: 'postgres://h/x' })
  })

  test.each([undefined, ''])('is told to be missing when it is %p', (url) => {
    expect(() => toDatabase({ DATABASE_URL: url })).toThrow('DATABASE_URL: must be set')
  })

  test('is told to be no address without its password', () => {
    expect(() => toDatabase({ DATABASE_URL: 'mysql://u:do-not-show-me@h/x' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('do-not-show-me') }),
    )
  })
})

test('the environment is read as a copy', () => {
  const env = readEnv() as Record<string, string | undefined>
  env['PATH'] = 'changed'
  expect(process.env.PATH).not.toBe('changed')
})
