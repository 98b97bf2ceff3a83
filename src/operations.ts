import type { PgBoss } from 'pg-boss'
import type { Logger } from 'winston'
import type { Config } from './config.ts'
import type { OnCall } from './connections/access-tokens.ts'
import { disconnectCompany, pauseCompany, resumeCompany } from './connections/change-status.ts'
import { outsideTurns } from './connections/outside-turns.ts'
import { registerCompany } from './connections/register-company.ts'
import { confirmDisappearance } from './connections/confirm-disappearance.ts'
import type { Doer } from './connections/record-event.ts'
import { requestByPerson } from './connections/request-by-person.ts'
import { requestByWebhook, type AskedByWebhook } from './connections/request-by-webhook.ts'
import type { TokenCipher } from './connections/token-cipher.ts'
import { rowsOf, type Database, type Tx } from './db/database.ts'
import type { Entity } from './domain/entity.ts'
import { LedgerError, toLedgerError } from './domain/ledger-error.ts'
import type { InTurn } from './domain/pace.ts'
import type { Mode } from './domain/sync-run.ts'
import type { ToldEvents, WebhookOutcome } from './domain/webhook.ts'
import { readDeadLetters, removeDeadLetters } from './jobs/dead-letters.ts'
import { createGatherer, enqueueLater, type LaterOptions } from './jobs/enqueue-later.ts'
import { readQueueState } from './jobs/read-queue-state.ts'
import { redrive, type RedriveOptions } from './jobs/redrive.ts'
import type { QuickBooks } from './quickbooks/quickbooks.ts'
import { recordCalls } from './sync/record-calls.ts'
import { raiseTotals, type Increment } from './sync/raise-totals.ts'

export interface OperationOptions extends LaterOptions {
  readonly config: Config
  readonly cipher: TokenCipher
  readonly quickbooks: QuickBooks
}

/** What the HTTP room may ask of the rooms above it. */
export function operations(options: OperationOptions) {
  const { config, database, cipher, quickbooks, enqueue, log } = options
  const { environment } = config.quickbooks
  const gather = createGatherer(options)
  const told = <Result>(message: string, realmId: string, by: Doer, done: Promise<Result>) =>
    tell(log, { message, realmId, by }, done)
  return {
    registerCompany(registration: Parameters<typeof registerCompany>[1], by: Doer) {
      const { realmId } = registration
      const inTurn = outsideTurns(database, realmId)
      const registering = registerCompany(
        {
          database,
          cipher,
          environment,
          enqueue,
          recordCalls,
          log,
          refreshTokens: (token, onCall) => inTurn(() => quickbooks.refreshTokens(token, onCall)),
          tryAccess: (realmId, accessToken, onCall) =>
            tryAccess(quickbooks, { realmId, accessToken, onCall, inTurn }),
        },
        registration,
        by,
      )
      return told('company connected', realmId, by, registering)
    },
    pauseCompany: (realmId: string, by: Doer) =>
      told('company paused', realmId, by, pauseCompany(database, realmId, by)),
    resumeCompany: (realmId: string, by: Doer) =>
      told('company resumed', realmId, by, resumeCompany(database, enqueue, realmId, by)),
    disconnectCompany(realmId: string, by: Doer) {
      const disconnecting = disconnectCompany(
        {
          database,
          cipher,
          recordCalls,
          log,
          revokeToken: (token, onCall) =>
            outsideTurns(database, realmId)(() => quickbooks.revokeToken(token, onCall)),
        },
        realmId,
        by,
      )
      return told('company disconnected', realmId, by, disconnecting)
    },
    async confirmDisappearance(realmId: string, entity: Entity, by: Doer) {
      const confirmed = await database.transaction(async (tx) => {
        const result = await confirmDisappearance(tx, realmId, entity, by)
        await enqueue(tx, [realmId])
        return result
      })
      enqueueOnceMore(options, [realmId])
      return confirmed
    },
    async requestSync(
      realmIds: readonly string[] | 'all',
      request: { readonly mode: Mode; readonly by: Doer },
    ) {
      const asked = await database.transaction(async (tx) => {
        const realms = realmIds === 'all' ? await activeCompanies(tx) : realmIds
        const requests = await requestByPerson(tx, realms, request)
        await enqueue(tx, [...requests.keys()])
        return requests
      })
      enqueueOnceMore(options, [...asked.keys()])
      return asked
    },
    async requestByWebhook(events: ToldEvents) {
      const result = await database.transaction(async (tx) => {
        const told = await requestByWebhook(tx, [...events.companies.keys()])
        await raiseTotals(tx, eventTotals(events, told))
        return told
      })
      gather(result.asked)
      return result
    },
  }
}

/** A line for what a person did to a company, or for why it was refused. */
async function tell<Result>(
  log: Logger,
  { message, realmId, by }: { readonly message: string; readonly realmId: string; readonly by: Doer },
  done: Promise<Result>,
): Promise<Result> {
  try {
    const result = await done
    log.info(message, { realmId, ...by })
    return result
  } catch (error) {
    const { code, message: reason } = toLedgerError(error)
    log.warn(`not done: ${message}`, { realmId, ...by, code, reason })
    throw error
  }
}

/** What it may ask of the queue. */
export function queueOperations(
  boss: PgBoss,
  database: Database,
  requestSync: RedriveOptions['requestSync'],
) {
  return {
    readDeadLetters: () => readDeadLetters(boss),
    redriveDeadLetters: (ids: readonly string[] | 'all', by: Doer) =>
      redrive(
        {
          read: () => readDeadLetters(boss),
          remove: (gone) => removeDeadLetters(boss, gone),
          requestSync,
        },
        ids,
        by,
      ),
    readQueueState: () => readQueueState(boss, database),
  }
}

// A job is marked as done within milliseconds of its run's end.
const ONCE_MORE_MS = 500

/**
 * A request made between the end of a run and the end of its job finds the queue still holding that job, which will not
 * look again; a moment later another can be queued.
 */
function enqueueOnceMore(options: LaterOptions, realmIds: readonly string[]): void {
  void enqueueLater(options, ONCE_MORE_MS, () => realmIds)
}

function eventTotals(
  { companies, ignored, unreadable }: ToldEvents,
  { asked, unknown }: AskedByWebhook,
): Increment[] {
  const of = (realmIds: Iterable<string>) =>
    [...realmIds].reduce((sum, realmId) => sum + companies.get(realmId)!, 0)
  const outcomes: Readonly<Record<WebhookOutcome, number>> = {
    asked: of(asked),
    unknown_company: of(unknown),
    inactive: of(companies.keys()) - of(asked) - of(unknown),
    ignored,
    unreadable,
  }
  return Object.entries(outcomes).flatMap(([outcome, by]) =>
    by === 0 ? [] : [{ metric: 'ledger_webhook_events_total', labels: { outcome }, by }],
  )
}

async function activeCompanies(tx: Tx): Promise<string[]> {
  const rows = await rowsOf<{ realmId: string }>(
    tx.trx,
    `SELECT realm_id AS "realmId" FROM companies WHERE status = 'active' ORDER BY realm_id`,
  )
  return rows.map((row) => row.realmId)
}

/** With only an access token and nothing to renew it: if it is refused, that is final. */
function tryAccess(
  quickbooks: QuickBooks,
  {
    realmId,
    accessToken,
    onCall,
    inTurn,
  }: { realmId: string; accessToken: string; onCall: OnCall; inTurn: InTurn },
) {
  const over = new AbortController()
  return quickbooks
    .company({
      realmId,
      homeCurrency: () => null,
      accessToken: () => Promise.resolve(accessToken),
      renewAccessToken: () =>
        Promise.reject(new LedgerError('token_expired', 'Intuit refuses the access token')),
      onCall,
      inTurn: (call) =>
        inTurn(() => {
          setTimeout(() => over.abort(), TRIAL_TIMEOUT_MS).unref()
          return call()
        }),
      signal: over.signal,
    })
    .companyInfo()
}

// A person is waiting, and routers in front of us give up at 30 seconds.
const TRIAL_TIMEOUT_MS = 20_000
