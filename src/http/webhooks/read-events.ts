/** That something of a company changed, as QuickBooks tells it: an id, and no values. */
export interface WebhookEvent {
  readonly realmId: string
  /** In small letters, as QuickBooks names its types, such as `bill`. */
  readonly entity: string
}

export interface WebhookEvents {
  readonly events: readonly WebhookEvent[]
  /** Members of the body in which no company and entity were found. */
  readonly unreadable: number
}

/**
 * Reads the body of a webhook: an array of CloudEvents, of one company or of several mixed, or the shape that Intuit
 * retired in 2026. What is in no form known here is counted and holds nothing else back, because Intuit sends later
 * events only once an earlier one was acknowledged.
 */
export function readEvents(text: string): WebhookEvents {
  const body = parsed(text)
  const found = Array.isArray(body) ? body.map(cloudEvent) : retiredEvents(body)
  const events = found.filter((event) => event !== null)
  return { events, unreadable: found.length - events.length }
}

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
