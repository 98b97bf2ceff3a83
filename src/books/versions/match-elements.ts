import { isJsonObject, type Json, type JsonObject } from '../../domain/parse-json.ts'
import { canonicalText } from './payload-content.ts'

// Keys by which QuickBooks identifies elements of its lists: lines, linked transactions, custom fields.
const KEYS = ['Id', 'TxnId', 'DefinitionId']
const PLAIN_KEY = /^[\w.-]+$/

/** One element of a list, before and after; undefined where it was not there. `selector` names it in a path. */
export interface ElementPair {
  readonly selector: string
  readonly before: Json | undefined
  readonly after: Json | undefined
}

export interface MatchedElements {
  readonly pairs: readonly ElementPair[]
  /** Selectors in order, when elements that stayed or came are not where they would be expected. */
  readonly order: { readonly before: readonly string[]; readonly after: readonly string[] } | null
}

/**
 * Finds each element of a list again: by its Id, else by its content, else by its kind of line.
 *
 * Selectors: `Id=2` by a key; for one without, its position from 0 in the list before (`3`), or in the list after if it
 * was added (`+3`). An added one is expected after the last one with a key, or at the end if it has no key.
 */
export function matchElements(before: readonly Json[], after: readonly Json[]): MatchedElements {
  const key = KEYS.find((name) => tellsApart(name, [before, after]))
  const keyOf = (element: Json) => (key === undefined ? null : keyValue(element, key))
  const partners = partnersOf(before, after, keyOf)
  const oldSelectors = before.map((element, at) => selectorOf(key, keyOf(element)) ?? String(at))
  const cameFrom = new Map(partners.map((to, from) => [to, from]))
  const newSelectors = after.map((element, at) => {
    const from = cameFrom.get(at)
    return from === undefined ? (selectorOf(key, keyOf(element)) ?? `+${at}`) : oldSelectors[from]!
  })
  const kept = before.map((element, at): ElementPair => {
    const to = partners[at]!
    return { selector: oldSelectors[at]!, before: element, after: after[to] }
  })
  const came = after
    .map((element, at): ElementPair => ({ selector: newSelectors[at]!, before: undefined, after: element }))
    .filter((_, at) => !cameFrom.has(at))
  const expected = expectedOrder(kept, came)
  const isExpected = expected.every((selector, at) => selector === newSelectors[at])
  return {
    pairs: [...kept, ...came],
    order: isExpected ? null : { before: oldSelectors, after: newSelectors },
  }
}

/** The order of a list's elements after a change that does not state their order. */
export function expectedOrder(
  kept: readonly Pick<ElementPair, 'selector' | 'after'>[],
  came: readonly Pick<ElementPair, 'selector'>[],
): string[] {
  const selectors = kept.filter(({ after }) => after !== undefined).map(({ selector }) => selector)
  const behindKeyed = selectors.findLastIndex(isKeyed) + 1
  const keyed = came.map(({ selector }) => selector).filter(isKeyed)
  const others = came.map(({ selector }) => selector).filter((selector) => !isKeyed(selector))
  return [...selectors.slice(0, behindKeyed), ...keyed, ...selectors.slice(behindKeyed), ...others]
}

function isKeyed(selector: string): boolean {
  return selector.includes('=')
}

function selectorOf(key: string | undefined, value: string | null): string | null {
  return value === null ? null : `${key}=${value}`
}

function keyValue(element: Json, key: string): string | null {
  const value = isJsonObject(element) ? element[key] : undefined
  return typeof value === 'string' && PLAIN_KEY.test(value) ? value : null
}

/** At least one element has the key, and no two elements of a list share a value. */
function tellsApart(key: string, lists: readonly (readonly Json[])[]): boolean {
  const values = lists.map((list) => list.map((element) => keyValue(element, key)).filter(isNotNull))
  return values.flat().length > 0 && values.every((of) => new Set(of).size === of.length)
}

function isNotNull<Value>(value: Value | null): value is Value {
  return value !== null
}

/** For each element before, the position of its partner after; -1 for none. */
function partnersOf(
  before: readonly Json[],
  after: readonly Json[],
  keyOf: (element: Json) => string | null,
): number[] {
  const partners: number[] = before.map(() => -1)
  const free = new Set(after.keys())
  const pairBy = (nameOf: (element: Json) => string | null) => {
    const places = placesBy(after, free, nameOf)
    for (const [at, element] of before.entries()) {
      const name = partners[at] === -1 ? nameOf(element) : null
      const to = name === null ? undefined : places.get(name)?.shift()
      if (to === undefined) continue
      partners[at] = to
      free.delete(to)
    }
  }
  pairBy(keyOf)
  pairBy((element) => (keyOf(element) === null ? canonicalText(element) : null))
  pairBy((element) => (keyOf(element) === null ? kindOf(element) : null))
  return partners
}

function placesBy(
  list: readonly Json[],
  among: ReadonlySet<number>,
  nameOf: (element: Json) => string | null,
): Map<string, number[]> {
  const places = new Map<string, number[]>()
  for (const at of among) {
    const name = nameOf(list[at]!)
    if (name === null) continue
    const known = places.get(name)
    if (known) known.push(at)
    else places.set(name, [at])
  }
  return places
}

/** Two elements of one kind may be one that changed; a text that differs is another text. */
function kindOf(element: Json): string | null {
  if (!isJsonObject(element)) return null
  const { DetailType: kind }: JsonObject = element
  return typeof kind === 'string' ? kind : ''
}
