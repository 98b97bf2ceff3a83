import { enveloped, faultMember, Refusal } from './answer.ts'
import type { Answer } from './answer.ts'
import type { CompanyState } from './company-state.ts'
import { requestInvalid } from './fault-bodies.ts'
import { pacificSecond, parseMoment } from './pacific-time.ts'
import { entityNamed, GROUP_FAULT, isKept, refusePoison, viewOf } from './read-answers.ts'
import { servedText } from './served-text.ts'
import type { Tombstone } from './shelf.ts'
import type { ReadTrouble } from './trouble.ts'
import type { EntityName } from './wire.ts'

const LOOK_BACK_MS = 30 * 86_400_000
/** All entities of a request together. Which objects QuickBooks drops is not established: here the last ones. */
const CAP = 1000

/** The answer to a CDC request. Throws Refusal for parameters that it does not take. */
export function answerCdc(
  state: CompanyState,
  params: { entities: string; changedSince: string },
  nowMs: number,
  trouble: ReadTrouble,
): Answer {
  const entities = entitiesOf(params.entities, nowMs)
  const sinceMs = sinceOf(params.changedSince, nowMs)
  let room = CAP
  const groups = entities.map((entity) => {
    if (trouble.isFaulty(entity)) return `{${faultMember(GROUP_FAULT)}}`
    if (!isKept(entity)) return '{}'
    const group = groupOf(state, entity, { sinceMs, nowMs, room, trouble })
    room -= group.objects
    return group.text
  })
  return enveloped(200, `"CDCResponse":[{"QueryResponse":[${groups.join(',')}]}]`, nowMs)
}

interface Reading {
  sinceMs: number
  nowMs: number
  room: number
  trouble: ReadTrouble
}

/** Live rows by LastUpdatedTime, then what was deleted; `{}` without either. */
function groupOf(
  state: CompanyState,
  entity: EntityName,
  reading: Reading,
): { text: string; objects: number } {
  const { sinceMs, nowMs, room, trouble } = reading
  const shelf = viewOf(state, entity, nowMs, trouble)
  const from = shelf.byUpdated.firstNot((entry) => entry.updatedMs < sinceMs)
  const live = shelf.byUpdated.items.slice(from, from + room)
  refusePoison(entity, live, trouble)
  const deleted = [...shelf.tombstones.values()]
    .filter(({ updatedMs }) => updatedMs >= sinceMs)
    .sort((a, b) => a.updatedMs - b.updatedMs || a.order - b.order)
    .slice(0, room - live.length)
  const objects = live.length + deleted.length
  if (objects === 0) return { text: '{}', objects }
  const rows = [
    ...live.map(({ text }) => servedText(entity, text, 'cdc')),
    ...deleted.map(tombstoneText),
  ].join(',')
  const start = live.length === 0 ? '' : '"startPosition":1,'
  return { text: `{"${entity}":[${rows}],${start}"maxResults":${objects},"totalCount":${objects}}`, objects }
}

function tombstoneText({ id, updatedMs }: Tombstone): string {
  const MetaData = { LastUpdatedTime: pacificSecond(updatedMs) }
  return JSON.stringify({ domain: 'QBO', status: 'Deleted', Id: id, MetaData })
}

function entitiesOf(list: string, nowMs: number): string[] {
  return list.split(',').map((name) => {
    const entity = entityNamed(name.trim())
    if (entity === null) throw new Refusal(requestInvalid(`Invalid entity in entities: ${name}`, nowMs))
    return entity
  })
}

/** The exact fault for a time before the look-back is not established. */
function sinceOf(changedSince: string, nowMs: number): number {
  const sinceMs = parseMoment(changedSince)
  if (sinceMs === null) throw new Refusal(requestInvalid(`Invalid changedSince: ${changedSince}`, nowMs))
  if (sinceMs < nowMs - LOOK_BACK_MS) {
    throw new Refusal(requestInvalid('changedSince is more than 30 days in the past', nowMs))
  }
  return sinceMs
}
