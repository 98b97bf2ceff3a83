import type { Page } from '../domain/change.ts'
import type { Entity } from '../domain/entity.ts'
import { LedgerError } from '../domain/ledger-error.ts'
import type { InTurn } from '../domain/pace.ts'
import type { CallOperation, QuickBooksCall } from '../domain/quickbooks-call.ts'
import { countQuery } from './build-query.ts'
import type { CompanyInfo, Preferences } from './company-facts.ts'
import type { ListingCursor } from './listing-cursor.ts'
import { listPage, type ListingPage } from './list-page.ts'
import { MAPPERS } from './registry.ts'
import type { Mapping } from './mapping.ts'
import { toSecond } from './moment.ts'
import { createPageSizes, type PageRows } from './page-sizes.ts'
import type { ReadingOf, Wanted } from './read-reply.ts'
import type { ReplyReader } from './reply-reader.ts'
import { createClient, type ReadOnlyClient } from './node-quickbooks.ts'
import { toChangesAnswer, type ChangesAnswer } from './read-changes.ts'
import { readByIds } from './read-by-ids.ts'
import type { Transport } from './transport.ts'

/** What is needed to read one company. */
export interface CompanyAccess {
  readonly realmId: string
  /** For records without CurrencyRef; null while unknown. */
  readonly homeCurrency: () => string | null
  readonly accessToken: () => Promise<string>
  /** A token other than `stale`, which Intuit just refused. */
  readonly renewAccessToken: (stale: string) => Promise<string>
  /** Called for every finished HTTP call, failed ones included. */
  readonly onCall: (call: QuickBooksCall) => void
  /** Holds each call to the company's pace. The wait counts towards no time limit. */
  readonly inTurn: InTurn
  /** Aborts calls in flight. */
  readonly signal: AbortSignal
  /** Omitted when no listing is read, or page sizes need not be kept. */
  readonly pageRows?: PageRows
}

/**
 * Reads one company. Every method throws LedgerError: `throttled`, `unavailable`, `needs_reauth`,
 * `company_unavailable`, `internal`, or what its own comment adds. An expired access token is renewed and the call
 * repeated once; if refused again, `unavailable`.
 */
export interface CompanyReader {
  companyInfo(): Promise<CompanyInfo>
  preferences(): Promise<Preferences>
  /** Change data capture, one call for all entities. `window_exceeded` when `since` is too far back. */
  changes(entities: readonly Entity[], since: Date): Promise<ChangesAnswer>
  /**
   * One page of a listing, in one call; in a few if the page was too heavy or too late, or in a dozen if a record on it
   * cannot be served.
   */
  listPage(entity: Entity, cursor: ListingCursor): Promise<ListingPage>
  /** How many records QuickBooks has, inactive ones included. */
  count(entity: Entity): Promise<{ readonly observedAt: Date; readonly count: number }>
  /** Reads records by id, at least one; ids that QuickBooks has no record for are `missing`. */
  byIds(entity: Entity, ids: readonly string[]): Promise<{ readonly page: Page; readonly missing: string[] }>
}

export interface ReaderOptions {
  readonly apiBaseUrl: string
  readonly callTimeoutMs: number
  readonly now: () => number
  readonly transport: Transport
  readonly replies: ReplyReader
}

export function createCompanyReader(options: ReaderOptions, access: CompanyAccess): CompanyReader {
  // It becomes part of the URL, unescaped.
  if (!/^\d+$/.test(access.realmId)) throw new LedgerError('internal', 'a realm id consists of digits')
  const call = callerOf(options, access)
  const sizes = createPageSizes(access.pageRows)
  const mapping = (): Mapping => ({ homeCurrency: access.homeCurrency() })
  const query = (entity: Entity, operation: CallOperation) => (conditions: string) =>
    call(operation, (client, callback) => client[MAPPERS[entity].find](conditions, callback), {
      kind: 'rows',
      entity,
      mapping: mapping(),
    })
  return {
    companyInfo: () =>
      call('company_info', (client, callback) => client.getCompanyInfo(access.realmId, callback), {
        kind: 'companyInfo',
      }),
    preferences: () =>
      call('preferences', (client, callback) => client.getPreferences(callback), { kind: 'preferences' }),
    async changes(entities, since) {
      const names = entities.map((entity) => MAPPERS[entity].intuitName).join(',')
      const changed = await call(
        'cdc',
        (client, callback) => client.changeDataCapture(names, toSecond(since), callback),
        { kind: 'changes', mapping: mapping() },
      )
      return toChangesAnswer(changed)
    },
    listPage: (entity, cursor) => listPage(entity, cursor, query(entity, 'query'), sizes),
    async count(entity) {
      const { observedAt, count } = await call(
        'count',
        (client, callback) => client[MAPPERS[entity].find](countQuery(entity), callback),
        { kind: 'count' },
      )
      return { observedAt, count }
    },
    byIds: (entity, ids) => readByIds(entity, ids, query(entity, 'read_by_id'), sizes.rows(entity)),
  }
}

type Start = (client: ReadOnlyClient, callback: (error: unknown) => void) => void

/** One call with a token that may have expired meanwhile. */
function callerOf(options: ReaderOptions, access: CompanyAccess) {
  const { transport, replies, callTimeoutMs, now, apiBaseUrl } = options
  const { realmId, signal, onCall, inTurn } = access

  const callOnce = (operation: CallOperation, start: Start, wanted: Wanted, token: string) =>
    inTurn(() =>
      transport.send({
        operation,
        timeoutMs: callTimeoutMs,
        signal,
        onCall,
        ...(operation === 'count' ? { toUrl: countInstead } : {}),
        start: (callback) => start(createClient({ apiBaseUrl, realmId, accessToken: token }), callback),
        read: (reply) => replies.read(reply, wanted, { operation, secrets: [token], nowMs: now() }),
      }),
    )

  return async <W extends Wanted>(operation: CallOperation, start: Start, wanted: W) => {
    const token = await access.accessToken()
    try {
      return (await callOnce(operation, start, wanted, token)) as ReadingOf[W['kind']]
    } catch (error) {
      if (!isExpiry(error)) throw error
      const renewed = await access.renewAccessToken(token)
      const again = await callOnce(operation, start, wanted, renewed).catch((refused: unknown) => {
        throw isExpiry(refused) ? refusedAgain(refused) : refused
      })
      return again as ReadingOf[W['kind']]
    }
  }
}

/**
 * node-quickbooks counts only by criteria that it builds itself, and adds a page to them: that would count one page.
 */
function countInstead(url: string): string {
  return url.replace('select * from', 'select count(*) from')
}

function isExpiry(error: unknown): error is LedgerError {
  return error instanceof LedgerError && error.code === 'token_expired'
}

function refusedAgain({ message, details }: LedgerError): LedgerError {
  return new LedgerError('unavailable', `an access token that was just renewed was refused: ${message}`, {
    details,
  })
}
