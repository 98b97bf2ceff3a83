export interface Random {
  /** A fraction from 0 up to, not including, 1. */
  fraction(): number
  /** A whole number from `lowest` to `highest`, both included. */
  integer(lowest: number, highest: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  shuffle<T>(list: readonly T[]): T[]
}

/** A stream of numbers that is the same whenever the seeds are the same (mulberry32). */
export function seededRandom(...seeds: (string | number)[]): Random {
  let state = hashOf(seeds.join(' '))
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (lowest: number, highest: number) =>
    lowest + Math.floor(fraction() * (highest - lowest + 1))
  return {
    fraction,
    integer,
    chance: (probability) => fraction() < probability,
    pick: (list) => pickOf(list, integer),
    shuffle: (list) => shuffled(list, integer),
  }
}

type Integer = (lowest: number, highest: number) => number

function pickOf<T>(list: readonly T[], integer: Integer): T {
  if (list.length === 0) throw new Error('nothing to pick from')
  return list[integer(0, list.length - 1)] as T
}

function shuffled<T>(list: readonly T[], integer: Integer): T[] {
  const result = [...list]
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = integer(0, last)
    const held = result[last] as T
    result[last] = result[other] as T
    result[other] = held
  }
  return result
}

/** FNV-1a, 32 bits: spreads seeds that differ in one character. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}
