import type { Version } from '../src/domain/change.ts'
import type { Entity } from '../src/domain/entity.ts'
import { mapStored } from '../src/quickbooks/mappers.ts'
import { startSandbox, type QboObject } from '../src/sandbox/sandbox.ts'

type Sampled = 'Bill' | 'Invoice'

// What a bill of a company of long standing comes to, lines and links included.
const PAYLOAD_BYTES = 1200
const REALM = '4620816300000000900'
const SECOND_MS = 1000

/** Payloads of the simulator's shape, `count` of them with ids from 1, each of about 1.2 kB. */
export async function samplePayloads(type: Sampled, count: number): Promise<string[]> {
  const patterns = await patternsOf(type)
  const firstMs = Date.UTC(2025, 0, 1)
  return Array.from({ length: count }, (_, index) => {
    const pattern = patterns[index % patterns.length]!
    const at = `${new Date(firstMs + index * SECOND_MS).toISOString().slice(0, 19)}-08:00`
    const record = {
      ...pattern,
      Id: String(index + 1),
      DocNumber: `D-${index + 1}`,
      MetaData: { CreateTime: at, LastUpdatedTime: at },
    }
    return paddedTo(PAYLOAD_BYTES, record)
  })
}

/** The same record after an edit in QuickBooks: another amount, a later time. */
export function edited(payload: string): string {
  const record = JSON.parse(payload) as QboObject & { TotalAmt: number; Balance: number }
  const { CreateTime } = record.MetaData
  return JSON.stringify({
    ...record,
    SyncToken: String(Number(record.SyncToken) + 1),
    TotalAmt: record.TotalAmt + 1,
    Balance: record.Balance + 1,
    MetaData: { CreateTime, LastUpdatedTime: CreateTime.replace(/^2025/, '2026') },
  })
}

/** Throws when a payload cannot be mapped. */
export function mapAll(entity: Entity, payloads: readonly string[]): Version[] {
  return payloads.map((payload) => {
    const mapped = mapStored(entity, payload, { homeCurrency: 'USD' })
    if (!('kind' in mapped)) throw mapped.reason
    return mapped
  })
}

async function patternsOf(type: Sampled): Promise<QboObject[]> {
  const sandbox = await startSandbox({
    port: 0,
    directory: null,
    now: () => Date.UTC(2026, 10, 1),
    seed: 3,
    companies: [
      {
        realmId: REALM,
        name: 'Patterns',
        records: 400,
        homeCurrency: 'USD',
        multiCurrency: false,
        country: 'USA',
        lively: false,
      },
    ],
    clientId: 'bench',
    clientSecret: 'bench-secret',
    activityIntervalMs: null,
  })
  try {
    return sandbox.books(REALM).records(type)
  } finally {
    await sandbox.stop()
  }
}

function paddedTo(bytes: number, record: object): string {
  const text = JSON.stringify(record)
  const room = bytes - text.length - ',"PrivateNote":""'.length
  if (room <= 0) return text
  return JSON.stringify({
    ...record,
    PrivateNote: 'Approved by the office in writing. '.repeat(40).slice(0, room),
  })
}
