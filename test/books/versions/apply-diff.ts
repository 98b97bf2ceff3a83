import type { DiffEntry } from '../../../src/books/versions/diff.ts'
import type { PlainJson } from '../../../src/books/versions/payload-content.ts'

type Members = Record<string, PlainJson>

/**
 * Applies a diff as whoever reads the API would, knowing its paths alone: members are set or taken away, `[Id=2]` and
 * `[3]` are elements of the list as it was, `[+3]` came. A path that ends at a list is its new order.
 */
export function applyDiff(before: PlainJson, diff: readonly DiffEntry[]): PlainJson {
  return applied(
    before,
    diff.map(({ path, before: was, after }) => ({ steps: stepsOf(path), was, after })),
  )
}

interface Change {
  readonly steps: readonly string[]
  readonly was: PlainJson
  readonly after: PlainJson
}

function applied(value: PlainJson, changes: readonly Change[]): PlainJson {
  const whole = changes.find(({ steps }) => steps.length === 0)
  if (whole && !Array.isArray(value)) return whole.after
  if (changes.length === 0) return value
  if (Array.isArray(value)) return appliedToList(value, changes, whole)
  const members: Members = { ...(value as Members) }
  for (const [name, own] of byFirstStep(changes)) {
    const after = applied(members[name] ?? null, own)
    if (after === null) delete members[name]
    else members[name] = after
  }
  return members
}

function appliedToList(list: PlainJson[], changes: readonly Change[], whole: Change | undefined): PlainJson {
  const own = byFirstStep(changes.filter(({ steps }) => steps.length > 0))
  // A list that came or went as a whole, and not one whose order changed.
  if (whole && !isOrderOf(whole.was, list)) return whole.after
  const key = [...own.keys()].map((step) => /^\[(\w+)=/.exec(step)?.[1]).find((name) => name !== undefined)
  const orderKey = (whole?.was as string[] | undefined)
    ?.map((step) => /^(\w+)=/.exec(step)?.[1])
    .find(Boolean)
  const keyName = key ?? orderKey
  const selectors = list.map((element, at) => selectorOf(element, at, keyName))
  const kept = new Map<string, PlainJson>()
  for (const [at, element] of list.entries()) {
    const selector = selectors[at]!
    const after = applied(element, own.get(`[${selector}]`) ?? [])
    if (after !== null) kept.set(selector, after)
  }
  const came = [...own]
    .map(([step, of]) => ({ selector: step.slice(1, -1), element: applied(null, of) }))
    .filter(({ selector, element }) => !selectors.includes(selector) && element !== null)
  const all = new Map([...kept, ...came.map(({ selector, element }) => [selector, element] as const)])
  const order = whole ? (whole.after as string[]) : usualOrder([...kept.keys()], came)
  return order.map((selector) => all.get(selector)!)
}

/** What came stands behind the last element with a key, or at the end where it has none. */
function usualOrder(kept: string[], came: readonly { selector: string }[]): string[] {
  const isKeyed = (selector: string) => selector.includes('=')
  const behind = kept.findLastIndex(isKeyed) + 1
  const names = came.map(({ selector }) => selector)
  return [
    ...kept.slice(0, behind),
    ...names.filter(isKeyed),
    ...kept.slice(behind),
    ...names.filter((name) => !isKeyed(name)),
  ]
}

function selectorOf(element: PlainJson, at: number, key: string | undefined): string {
  const value =
    key !== undefined && typeof element === 'object' && !Array.isArray(element) ? element?.[key] : undefined
  return typeof value === 'string' ? `${key}=${value}` : String(at)
}

function isOrderOf(was: PlainJson, list: readonly PlainJson[]): boolean {
  return Array.isArray(was) && was.length === list.length && was.every((one) => typeof one === 'string')
}

function byFirstStep(changes: readonly Change[]): Map<string, Change[]> {
  const groups = Map.groupBy(
    changes.filter(({ steps }) => steps.length > 0),
    ({ steps }) => steps[0]!,
  )
  return new Map(
    [...groups].map(([step, own]) => [
      step,
      own.map((change) => ({ ...change, steps: change.steps.slice(1) })),
    ]),
  )
}

/** `lines[Id=2].Amount` as `lines`, `[Id=2]`, `Amount`. */
function stepsOf(path: string): string[] {
  return [...path.matchAll(/\[(?:"(?:[^"\\]|\\.)*"|[^\]]*)\]|[^.[\]]+/g)].map(([step]) =>
    step.startsWith('["') ? (JSON.parse(step.slice(1, -1)) as string) : step,
  )
}

/**
 * A record without what is no content: names beside ids, which are copies made at read time, the order of linked
 * transactions, and members that are null, which a path cannot tell from absent ones.
 */
export function comparable(value: PlainJson, key = ''): PlainJson {
  if (Array.isArray(value)) {
    const elements = value.map((element) => comparable(element))
    return key === 'LinkedTxn' || key === 'linkedTxn'
      ? elements.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
      : elements
  }
  if (typeof value !== 'object' || value === null) return value
  const isCopy = /Ref$|^vendor$|^customer$/.test(key)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => inner !== null && !(isCopy && name === 'name'))
      .map(([name, inner]) => [name, comparable(inner, name)])
      .sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
  )
}
