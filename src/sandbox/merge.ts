import { accountById, refOf } from './chart.ts'
import type { Draft } from './draft.ts'
import { decodePostings } from './ledger.ts'
import { minorOfToken } from './money.ts'
import { holdersOf, moveBalance, visitReferences } from './parties.ts'
import type { ListName, Ref } from './wire.ts'
import { STORED } from './wire.ts'

export interface MergeOptions {
  /** The repointed transactions show no new LastUpdatedTime: which of the two QuickBooks does is not established. */
  silent?: boolean
}

/** The survivor keeps its Id and takes over all transactions; the loser is gone without a tombstone. */
export function merge(
  draft: Draft,
  type: ListName,
  survivorId: string,
  loserId: string,
  options: MergeOptions,
): void {
  if (survivorId === loserId) throw new Error(`${type} ${survivorId} cannot be merged with itself`)
  const survivor = nameOf(draft, type, survivorId)
  for (const holder of holdersOf(draft, type, loserId)) {
    visitReferences(draft.read(holder.type, holder.id), type, loserId, (ref) => {
      if (options.silent) draft.silently(holder.type, holder.id)
      else draft.edit(holder.type, holder.id)
      Object.assign(ref, ref.name === undefined ? { value: survivorId } : survivor)
    })
  }
  if (type === 'Account') movePostings(draft, survivorId, loserId)
  else moveBalance(draft, type, survivorId, minorOfToken(draft.read(type, loserId).Balance))
  adopt(draft, type, survivorId, loserId)
  draft.remove(type, loserId, true)
}

function nameOf(draft: Draft, type: ListName, id: string): Ref {
  if (type === 'Account') return refOf(accountById(draft.state, id))
  return { value: id, name: draft.read(type, id).DisplayName }
}

function movePostings(draft: Draft, survivorId: string, loserId: string): void {
  const mark = new RegExp(`(^|;)${loserId}:`)
  for (const type of STORED) {
    for (const { id, postings } of [...draft.state.shelves[type].byId.items]) {
      if (mark.test(postings)) draft.post(type, id, repointed(postings, survivorId, loserId))
    }
  }
}

function repointed(postings: string, survivorId: string, loserId: string) {
  return decodePostings(postings).map((posting) =>
    posting.accountId === loserId ? { ...posting, accountId: survivorId } : posting,
  )
}

/** Sub-accounts and jobs of the loser go to the survivor. */
function adopt(draft: Draft, type: ListName, survivorId: string, loserId: string): void {
  if (type === 'Vendor') return
  for (const entry of [...draft.state.shelves[type].byId.items]) {
    if (!entry.text.includes(`"ParentRef":{"value":"${loserId}"`)) continue
    const child = draft.edit(type, entry.id)
    if (child.ParentRef) child.ParentRef.value = survivorId
  }
}
