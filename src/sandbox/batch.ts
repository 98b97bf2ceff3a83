import { enveloped, Refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import type { CompanyState } from './company-state.ts'
import { requestInvalid } from './fault-bodies.ts'
import { queryResponse } from './read-answers.ts'
import type { ReadTrouble } from './trouble.ts'

const MOST_ITEMS = 30

export interface BatchItem {
  bId: string
  Query?: string
}

/** The items of a batch; null when the body is none. */
export function batchItems(body: unknown): BatchItem[] | null {
  const items = (body as { BatchItemRequest?: unknown } | null)?.BatchItemRequest
  return Array.isArray(items) ? (items as BatchItem[]) : null
}

/** Whether a batch would create, update or delete. */
export function batchWrites(items: BatchItem[]): boolean {
  return items.some((item) => typeof item.Query !== 'string')
}

/** HTTP 200 with a fault for each item that fails. Throws Refusal for more items than a batch may have. */
export function answerBatch(
  state: CompanyState,
  items: BatchItem[],
  nowMs: number,
  trouble: ReadTrouble,
): Answer {
  if (items.length > MOST_ITEMS)
    throw new Refusal(requestInvalid(`a batch has ${MOST_ITEMS} items at most`, nowMs))
  const responses = items.map((item) => itemText(state, item, nowMs, trouble))
  return enveloped(200, `"BatchItemResponse":[${responses.join(',')}]`, nowMs)
}

function itemText(
  state: CompanyState,
  { bId, Query = '' }: BatchItem,
  nowMs: number,
  trouble: ReadTrouble,
): string {
  const id = `"bId":${JSON.stringify(bId)}`
  try {
    return `{${id},"QueryResponse":${queryResponse(state, Query, nowMs, trouble)}}`
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { Fault } = JSON.parse(error.answer.body) as { Fault: unknown }
    return `{${id},"Fault":${JSON.stringify(Fault)}}`
  }
}
