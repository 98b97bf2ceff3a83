import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { StoredChange } from './company-state.ts'

/** Where events are sent, and what they are signed with. */
export interface Subscription {
  url: string
  verifierToken: string
}

export interface Webhooks {
  /** From now on, there alone; null: nowhere. */
  subscribe(subscription: Subscription | null): void
  /** What changed in a company. */
  tell(realmId: string, changes: readonly StoredChange[]): void
}

// Intuit's own first tries; it goes on for days, which nobody watches a simulator for.
const TRIES_AFTER_MS = [0, 10_000, 20_000, 30_000]
const ANSWER_WITHIN_MS = 3_000

/** Tells a subscriber of changes as CloudEvents, as Intuit does: ids, no values, signed over the bytes sent. */
export function createWebhooks(now: () => number, stopped: AbortSignal): Webhooks {
  let subscription: Subscription | null = null
  const tell: Webhooks['tell'] = (realmId, changes) => {
    if (subscription === null) return
    const events = changes.flatMap((change) => eventOf(realmId, change, now()))
    if (events.length > 0) void deliver(subscription, JSON.stringify(events), stopped)
  }
  return { subscribe: (wanted) => (subscription = wanted), tell }
}

function eventOf(realmId: string, change: StoredChange, nowMs: number): object[] {
  const named = nameOf(change, nowMs)
  if (named === null) return []
  return [
    {
      specversion: '1.0',
      id: randomUUID(),
      source: 'intuit.simulator',
      type: `qbo.${change.type.toLowerCase()}.${named.what}.v1`,
      datacontenttype: 'application/json',
      time: new Date(nowMs).toISOString(),
      intuitentityid: named.id,
      intuitaccountid: realmId,
      data: {},
    },
  ]
}

// Times of records have whole seconds.
const SECOND_MS = 1_000

/**
 * A record that goes leaves a tombstone, which is what is told; one that comes back is put there again. What changes
 * without a time of its own is not told, as it is with Intuit.
 */
function nameOf(change: StoredChange, nowMs: number): { id: string; what: string } | null {
  if (change.kind === 'buried') return { id: change.tombstone.id, what: 'deleted' }
  if (change.kind !== 'put') return null
  const { id, createdMs, updatedMs } = change.entry
  if (updatedMs <= nowMs - SECOND_MS) return null
  return { id, what: createdMs === updatedMs ? 'created' : 'updated' }
}

async function deliver(
  { url, verifierToken }: Subscription,
  body: string,
  stopped: AbortSignal,
): Promise<void> {
  const signature = createHmac('sha256', verifierToken).update(body).digest('base64')
  for (const afterMs of TRIES_AFTER_MS) {
    try {
      await wait(afterMs, undefined, { ref: false, signal: stopped })
      const { ok } = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'intuit-signature': signature },
        body,
        signal: AbortSignal.any([stopped, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      })
      if (ok) return
    } catch {
      if (stopped.aborted) return
    }
  }
}
