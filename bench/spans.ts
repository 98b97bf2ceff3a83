/** Something that took from one moment to another, in ms. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** How long at least one of the spans was under way. */
export function covered(spans: readonly Span[]): number {
  return joined(spans).reduce((sum, { from, to }) => sum + to - from, 0)
}

/** How long one of the first and one of the second were under way together. */
export function overlap(first: readonly Span[], second: readonly Span[]): number {
  return covered(first) + covered(second) - covered([...first, ...second])
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last && span.from <= last.to)
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to) }
    else result.push(span)
  }
  return result
}
