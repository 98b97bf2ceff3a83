import type { Knex } from 'knex'
import { z } from 'zod'
import { ConfigError, readEnv, toConfig } from '../src/config.ts'
import { seedCompanies, type SeedCompany } from '../src/connections/seed-companies.ts'
import { createTokenCipher } from '../src/connections/token-cipher.ts'
import { systemClock } from '../src/db/clock.ts'
import { createDatabase } from '../src/db/database.ts'
import { createLog } from '../src/log.ts'
import { findTokenKeys } from '../src/token-keys.ts'

// The simulator answers from memory, on this machine or near it.
const SIMULATOR_TIMEOUT_MS = 10_000

/**
 * Connects every company of a running simulator, found by QBO_API_BASE_URL, and asks for its first run.
 *
 * @throws ConfigError in production and when the environment names no simulator; Error when none answers.
 */
export async function seed(knex: Knex): Promise<void> {
  const env = readEnv()
  if (env['NODE_ENV'] === 'production')
    throw new ConfigError(['NODE_ENV: demo companies are not for production'])
  const config = toConfig(env)
  const { app, environment, apiBaseUrl } = config.quickbooks
  if (!env['QBO_API_BASE_URL'] || !app) {
    throw new ConfigError([
      'QBO_API_BASE_URL, QBO_CLIENT_ID, QBO_CLIENT_SECRET: must be set to those of a simulator; npm run sandbox starts one and prints them',
    ])
  }
  const companies = await readSimulator(apiBaseUrl)
  const keys = await findTokenKeys({
    configured: config.encryptionKeys,
    dataDirectory: config.dataDirectory,
    knex,
    log: createLog({ ...config.log, secrets: () => [], stream: process.stderr }),
  })
  await seedCompanies(
    { database: createDatabase(knex, systemClock()), cipher: createTokenCipher(keys), environment },
    companies,
  )
  process.stdout.write(`Companies of the simulator in place: ${companies.length}.\n`)
}

const COMPANIES = z.array(z.object({ realmId: z.string(), name: z.string(), refreshToken: z.string() }))

async function readSimulator(apiBaseUrl: string): Promise<SeedCompany[]> {
  const address = `${apiBaseUrl.replace(/\/+$/, '')}/sandbox/companies`
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(SIMULATOR_TIMEOUT_MS) })
    return COMPANIES.parse(await answer.json())
  } catch (cause) {
    throw new Error(`No simulator answers at ${address}: start one with npm run sandbox.`, { cause })
  }
}
