interface Answer {
  readonly body: unknown
}

/** The fields that a refusal names, in its order. */
export function fieldsOf(answer: Answer): string[] {
  return (answer.body as { errors: { field: string }[] }).errors.map(({ field }) => field)
}

/** One member of every row of a list. */
export function eachOf(answer: Answer, member: string): unknown[] {
  return (answer.body as { data: Record<string, unknown>[] }).data.map((row) => row[member])
}
