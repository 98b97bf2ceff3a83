import type { ToldEvents } from '../domain/webhook.ts'

/**
 * Reads the body of a webhook: an array of CloudEvents, of one company or of several mixed, or the shape that Intuit
 * retired in 2026. What is in no form known here is counted and holds nothing else back, because Intuit sends later
 * events only once an earlier one was acknowledged.
 */
export function readWebhook(text: string): ToldEvents {
  const body = parsed(text)
  const found = Array.isArray(body) ? body.map(cloudEvent) : retiredEvents(body)
  const events = found.filter((event) => event !== null)
  const told = events.filter(({ entity }) => !NOT_MIRRORED.has(entity))
  const byCompany = Map.groupBy(told, ({ realmId }) => realmId)
  return {
    companies: new Map([...byCompany].map(([realmId, { length }]) => [realmId, length])),
    ignored: events.length - told.length,
    unreadable: found.length - events.length,
  }
}

/** That something of a company changed, as QuickBooks tells it: an id, and no values. */
interface WebhookEvent {
  readonly realmId: string
  /** In small letters, as QuickBooks names its types, such as `bill`. */
  readonly entity: string
}

// They move no bill, invoice, account or name. Whatever is not in this list may.
const NOT_MIRRORED: ReadonlySet<string> = new Set([
  'budget',
  'class',
  'department',
  'employee',
  'estimate',
  'journalcode',
  'paymentmethod',
  'purchaseorder',
  'term',
  'timeactivity',
])

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const REALM_ID = /^\d{1,32}$/
// `qbo.bill.updated.v1`: the entity and what happened to it. Whatever happened, something changed.
const TYPE = /^qbo\.([a-z]+)\./i

function cloudEvent(event: unknown): WebhookEvent | null {
  const { type, intuitaccountid } = membersOf(event)
  return eventOf(intuitaccountid, TYPE.exec(String(type))?.[1])
}

function retiredEvents(body: unknown): (WebhookEvent | null)[] {
  const { eventNotifications } = membersOf(body)
  if (!Array.isArray(eventNotifications)) return [null]
  return eventNotifications.flatMap((notification) => {
    const { realmId, dataChangeEvent } = membersOf(notification)
    const { entities } = membersOf(dataChangeEvent)
    if (!Array.isArray(entities)) return [null]
    return entities.map((entity) => eventOf(realmId, membersOf(entity)['name']))
  })
}

function eventOf(realmId: unknown, entity: unknown): WebhookEvent | null {
  if (typeof realmId !== 'string' || typeof entity !== 'string') return null
  return REALM_ID.test(realmId) ? { realmId, entity: entity.toLowerCase() } : null
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
