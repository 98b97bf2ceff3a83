export interface SortedList<T> {
  readonly items: readonly T[]
  add(item: T): void
  remove(item: T): void
  /** Takes other items instead of all that are there: cheaper than many additions. */
  replaceAll(items: Iterable<T>): void
  /** Index of the first item for which `isBefore` is false; the items before it must all be true. */
  firstNot(isBefore: (item: T) => boolean): number
}

/** A list kept in order: appending is cheap, and a change in the middle moves no more than memory. */
export function createSortedList<T>(
  compare: (a: T, b: T) => number,
  initial: Iterable<T> = [],
): SortedList<T> {
  let items = [...initial].sort(compare)
  const firstNot = (isBefore: (item: T) => boolean) => {
    let low = 0
    let high = items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(items[middle] as T)) low = middle + 1
      else high = middle
    }
    return low
  }
  const add = (item: T) => {
    const last = items.at(-1)
    if (last === undefined || compare(last, item) < 0) items.push(item)
    else
      items.splice(
        firstNot((other) => compare(other, item) < 0),
        0,
        item,
      )
  }
  const remove = (item: T) => {
    const at = firstNot((other) => compare(other, item) < 0)
    if (items[at] === item) items.splice(at, 1)
  }
  const replaceAll = (others: Iterable<T>) => {
    items = [...others].sort(compare)
  }
  return {
    get items() {
      return items
    },
    add,
    remove,
    replaceAll,
    firstNot,
  }
}
