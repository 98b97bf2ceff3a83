export type PutOff = (end: () => Promise<unknown>) => void

/** Does some work and then what it put off, the last first, also when it fails half way. */
export async function puttingOff<Result>(work: (putOff: PutOff) => Promise<Result>): Promise<Result> {
  const ends: (() => Promise<unknown>)[] = []
  try {
    return await work((end) => ends.push(end))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}
