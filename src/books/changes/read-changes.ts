import type { Database } from '../../db/database.ts'
import { ENTITIES, type Entity } from '../../domain/entity.ts'
import { LedgerError } from '../../domain/ledger-error.ts'
import { Company } from '../../models/company.ts'
import { companyWords, readCompanyWords } from '../company-words.ts'
import type { CompanyWords } from '../versions/held-version.ts'
import { readPairs } from '../versions/read-pairs.ts'
import { withinWeight } from '../versions/within-weight.ts'
import { readFeedEpoch, type FeedEpoch } from './feed-epoch.ts'
import type { FeedPlace } from './feed-place.ts'
import { isWanted, listedChange, type ChangeFilter, type ListedChange } from './listed-change.ts'
import { readFeedKeys, type FeedKey, type FeedRange } from './read-feed-keys.ts'

export interface ChangesQuestion {
  readonly range: FeedRange
  readonly filter: ChangeFilter
  readonly after: FeedPlace | null
  readonly limit: number
}

export interface ChangesPage {
  readonly changes: readonly ListedChange[]
  /** Just after the last version looked at: where a reader continues, now or later; null if there was none. */
  readonly reached: FeedPlace | null
  /** Whether there was more to look at. A page may be short, or even empty, with more after it. */
  readonly hasMore: boolean
}

// Keys alone are checked by the thousand; a version that must be read, described and then filtered takes a third of a
// millisecond, and an answer should take at most a second.
const KEYS_A_STEP = 1000
const MOST_KEYS = 20_000
const PAIRS_A_SLICE = 50
const MOST_PAIRS = 2000

/**
 * A page of the feed: every version of every record, of one company or of all, in the order of `readFeedKeys`.
 *
 * @throws LedgerError `not_found` of the company; `invalid_request` when the place is from another epoch.
 */
export async function readChanges(database: Database, question: ChangesQuestion): Promise<ChangesPage> {
  const { range, after } = question
  const { knex } = database
  if (range.realmId !== null) await readCompanyWords(knex, range.realmId)
  const epoch = await readFeedEpoch(database)
  if (after !== null && after.mark !== epoch.mark) throw fromElsewhere()
  const page: PageUnderWay = { changes: [], reached: after, keys: 0, pairs: 0, companies: new Map() }
  for (const isEarlier of sidesOf(epoch, question)) {
    if (!(await readSide(database, { ...question, epoch, isEarlier }, page))) {
      return { ...page, hasMore: true }
    }
  }
  return { ...page, hasMore: false }
}

interface PageUnderWay {
  readonly changes: ListedChange[]
  reached: FeedPlace | null
  keys: number
  pairs: number
  readonly companies: Map<string, CompanyWords>
}

interface Side extends ChangesQuestion {
  readonly epoch: FeedEpoch
  readonly isEarlier: boolean
}

/** Before the epoch and in it, in reading order, from the reader's place. */
function sidesOf({ hasEarlier }: FeedEpoch, { range, after }: ChangesQuestion): boolean[] {
  const all = hasEarlier ? [true, false] : [false]
  const ordered = range.order === 'asc' ? all : all.reverse()
  return after === null ? ordered : ordered.slice(ordered.indexOf(after.isEarlier))
}

/** @returns whether it reached the end of the side. */
async function readSide({ knex }: Database, side: Side, page: PageUnderWay): Promise<boolean> {
  const { range, filter, epoch, isEarlier, limit } = side
  const isFiltered = range.since !== null || range.until !== null || Object.values(filter).some(isSet)
  for (;;) {
    const most = isFiltered ? KEYS_A_STEP : limit - page.changes.length + 1
    const after = page.reached?.isEarlier === isEarlier ? page.reached : null
    const keys = await readFeedKeys(knex, epoch, range, { after, isEarlier, most })
    page.keys += keys.length
    for (let at = 0; at < keys.length;) {
      if (page.changes.length === limit || page.pairs >= MOST_PAIRS) return false
      if (isBeyond(keys[at]!, range)) return true
      at += await readSlice(knex, side, keys.slice(at, at + PAIRS_A_SLICE), page)
    }
    if (keys.length < most) return true
    if (page.changes.length === limit || page.keys >= MOST_KEYS) return false
  }
}

function isSet(value: unknown): boolean {
  return value !== null
}

// No transaction lives for a day: the service's are cut after seconds. So nothing further on falls within the range.
const DAY_MICROS = 86_400_000_000n

function isBeyond({ micros }: FeedKey, { order, since, until }: FeedRange): boolean {
  if (order === 'desc') return since !== null && BigInt(micros) < microsOf(since) - DAY_MICROS
  return until !== null && BigInt(micros) > microsOf(until) + DAY_MICROS
}

function microsOf(moment: string): bigint {
  return BigInt(new Date(moment).getTime()) * 1000n
}

/** Reads and describes as many versions as fit the weight limit. @returns how many keys that covered. */
async function readSlice(
  knex: Database['knex'],
  { filter, limit }: Side,
  keys: readonly FeedKey[],
  page: PageUnderWay,
): Promise<number> {
  const slice = withinWeight(keys)
  const wanted = slice.filter((key) => key.isWanted)
  await addCompanies(knex, wanted, page.companies)
  const read = await readKeyedPairs(knex, wanted)
  for (const [at, key] of slice.entries()) {
    if (page.changes.length === limit) return at
    page.reached = placeOf(key)
    const pair = read.get(nameOfKey(key))
    const company = page.companies.get(key.realmId)
    // Purged since its key was read.
    if (!pair || !company) continue
    page.pairs += 1
    const listed = listedChange(entityOf(key), pair, page.reached, company)
    if (isWanted(listed, pair, filter)) page.changes.push(listed)
  }
  return slice.length
}

async function readKeyedPairs(knex: Database['knex'], keys: readonly FeedKey[]) {
  const byEntity = Map.groupBy(keys, entityOf)
  const pairs = new Map<string, Awaited<ReturnType<typeof readPairs>>[number]>()
  for (const [entity, own] of byEntity) {
    const read = await readPairs(knex, entity, own)
    for (const pair of read) {
      const { realmId, qboId, validFrom } = pair.after
      pairs.set([ENTITIES.indexOf(entity), realmId, qboId, validFrom].join(' '), pair)
    }
  }
  return pairs
}

function nameOfKey({ entity, realmId, qboId, validFrom }: FeedKey): string {
  return [entity, realmId, qboId, validFrom].join(' ')
}

async function addCompanies(
  knex: Database['knex'],
  keys: readonly FeedKey[],
  known: Map<string, CompanyWords>,
): Promise<void> {
  const missing = [...new Set(keys.map(({ realmId }) => realmId))].filter((realmId) => !known.has(realmId))
  if (missing.length === 0) return
  const companies = await Company.query(knex).whereIn('realm_id', missing)
  for (const company of companies) known.set(company.realmId, companyWords(company))
}

function placeOf({ mark, isEarlier, txId, micros, realmId, entity, qboId }: FeedKey): FeedPlace {
  return { mark, isEarlier, txId, micros, realmId, entity, qboId }
}

function entityOf({ entity }: FeedKey): Entity {
  return ENTITIES[entity]!
}

function fromElsewhere(): LedgerError {
  const message =
    'dates from before the database was restored or moved, so what follows it is unknown: read again from the start, or from a moment with since='
  return new LedgerError('invalid_request', `cursor: ${message}`, {
    details: { fields: [{ field: 'cursor', message }] },
  })
}
