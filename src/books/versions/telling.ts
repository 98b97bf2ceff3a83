import type { Entity } from '../../domain/entity.ts'
import {
  isJsonArray,
  isJsonObject,
  isNumberText,
  type Json,
  type JsonObject,
} from '../../domain/parse-json.ts'
import type { Difference } from './diff.ts'
import type { CompanyWords, VersionPair } from './held-version.ts'

/** A description in progress: a change of one record, and its differences that have no words yet. */
export interface Telling extends CompanyWords {
  readonly entity: Entity
  readonly pair: VersionPair & { readonly before: NonNullable<VersionPair['before']> }
  readonly before: JsonObject
  readonly after: JsonObject
  readonly left: Set<Difference>
}

/** Takes the differences at and below these steps: the caller then has to describe them. */
export function take(telling: Pick<Telling, 'left'>, steps: readonly string[]): Difference[] {
  const taken = [...telling.left].filter((difference) =>
    steps.every((step, at) => difference.steps[at] === step),
  )
  for (const difference of taken) telling.left.delete(difference)
  return taken
}

export function valueAt(tree: Json | undefined, steps: readonly string[]): Json | undefined {
  return steps.reduce<Json | undefined>((value, step) => {
    if (isJsonArray(value)) return elementAt(value, step)
    return isJsonObject(value) ? value[step] : undefined
  }, tree)
}

/** The element that a selector such as `[Id=2]` or `[3]` names. */
export function elementAt(list: readonly Json[], selector: string): Json | undefined {
  const [, key, value, place] = /^\[(?:(\w+)=(.*)|\+?(\d+))\]$/.exec(selector) ?? []
  if (place !== undefined) return list[Number(place)]
  return list.find((element) => key !== undefined && isJsonObject(element) && element[key] === value)
}

/** A leaf as text; null if it is absent or not a leaf. */
export function leafText(value: Json | undefined): string | null {
  if (isNumberText(value)) return value.rawJSON
  return typeof value === 'string' ? value : null
}

/** A reference's name, or its id if it has none. */
export function referenceText(value: Json | undefined): string | null {
  return isJsonObject(value) ? (leafText(value['name']) ?? leafText(value['value'])) : leafText(value)
}
