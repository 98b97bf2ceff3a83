import type { Bill } from '../src/domain/bill.ts'
import type { Version } from '../src/domain/change.ts'
import { MIRRORED_TABLES } from '../src/models/mirrored-tables.ts'
import { BENCH_REALM } from './open-bench-run.ts'

/** A version as a row of the table that keeps no history, by column. */
export function plainRow(
  version: Version,
  now: Date,
): Record<string, string | number | boolean | Date | null> {
  const content = version.content as Bill
  const columns = Object.entries(MIRRORED_TABLES.bill.content) as [keyof Bill, string][]
  return {
    realm_id: BENCH_REALM,
    qbo_id: version.qboId,
    ...Object.fromEntries(columns.map(([name, column]) => [column, content[name]])),
    sync_token: version.syncToken,
    source_created_at: version.sourceCreatedAt,
    source_updated_at: version.sourceUpdatedAt,
    source_valid_from: version.sourceUpdatedAt,
    observed_at: now,
    last_synced_at: now,
    content_hash: version.contentHash,
    mapping_version: 1,
    sync_run_id: 1,
    raw: version.raw,
  }
}
