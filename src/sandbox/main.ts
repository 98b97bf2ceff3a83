import { DEMO_COMPANIES } from './demo-companies.ts'
import { startSandbox } from './sandbox.ts'

// This program stands for Intuit and shares no code with the service: it alone reads its port and its clock here.
const port = Number(process.env.PORT ?? 4010)
const ACTIVITY_INTERVAL_MS = 20_000
const CLIENT_ID = 'sandbox-client'
const CLIENT_SECRET = 'sandbox-secret'

const sandbox = await startSandbox({
  port,
  directory: '.data/sandbox',
  now: () => Date.now(),
  seed: 1,
  companies: DEMO_COMPANIES,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  activityIntervalMs: ACTIVITY_INTERVAL_MS,
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  return process.exit(1)
})

const say = (line: string) => process.stdout.write(`${line}\n`)
say(`The QuickBooks simulator listens at ${sandbox.url}; what it can do: curl ${sandbox.url}/sandbox`)
say('')
say(`export QBO_CLIENT_ID=${CLIENT_ID}`)
say(`export QBO_CLIENT_SECRET=${CLIENT_SECRET}`)
say(`export QBO_API_BASE_URL=${sandbox.apiBaseUrl}`)
say(`export QBO_OAUTH_AUTHORIZE_URL=${sandbox.authorizeUrl}`)
say(`export QBO_OAUTH_TOKEN_URL=${sandbox.tokenUrl}`)
say(`export QBO_OAUTH_REVOKE_URL=${sandbox.revokeUrl}`)
say('')
for (const { realmId, name, refreshToken } of sandbox.companies()) {
  say(`${realmId}  ${name}`)
  say(`  refresh token ${refreshToken === '' ? 'none: revoked, authorize it again' : refreshToken}`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void sandbox.stop())
}
