import type { Company } from './company.ts'

/** One business action in each lively company at every beat. The clock of the books is not asked when to beat. */
export function startActivity(intervalMs: number, companies: () => Iterable<Company>): { stop(): void } {
  const beat = () => {
    for (const { state, books } of companies()) {
      if (state.spec.lively) books.step()
    }
  }
  // A simulator that is only there for its activity should not keep the process alive.
  const timer = setInterval(beat, intervalMs).unref()
  return { stop: () => clearInterval(timer) }
}
