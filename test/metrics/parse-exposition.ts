/** A scrape as Prometheus would take it. */
export interface Scrape {
  readonly families: ReadonlyMap<string, { readonly type: string; readonly help: string }>
  /** Values by `name{label="value",…}` as it stood in the text. */
  readonly series: ReadonlyMap<string, number>
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/

/** Reads the text format 0.0.4 and throws on whatever it forbids. */
export function parseExposition(text: string): Scrape {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const types = new Map<string, string>()
  const helps = new Map<string, string>()
  const series = new Map<string, number>()
  const finished = new Set<string>()
  let open = ''
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line)
    if (comment) {
      const [, kind, name = '', rest = ''] = comment
      const known = kind === 'HELP' ? helps : types
      if (known.has(name)) throw new Error(`a second ${kind} of ${name}`)
      known.set(name, rest)
      continue
    }
    const { key, name, value } = parseSample(line)
    const family = familyOf(name, types)
    if (family !== open && finished.has(family)) throw new Error(`the lines of ${family} are not together`)
    finished.add((open = family))
    if (series.has(key)) throw new Error(`${key} stands there twice`)
    series.set(key, value)
  }
  const families = new Map(
    [...types].map(([name, type]) => {
      const help = helps.get(name)
      if (help === undefined) throw new Error(`${name} has no HELP`)
      return [name, { type, help }]
    }),
  )
  return { families, series }
}

function parseSample(line: string): { key: string; name: string; value: number } {
  const name = NAME.exec(line)?.[0]
  if (name === undefined) throw new Error(`no metric: ${line}`)
  let rest = line.slice(name.length)
  const labels = new Set<string>()
  if (rest.startsWith('{')) {
    rest = rest.slice(1)
    while (!rest.startsWith('}')) {
      const label = LABEL.exec(rest)
      if (!label || labels.has(label[1] ?? '')) throw new Error(`bad labels: ${line}`)
      labels.add(label[1] ?? '')
      rest = rest.slice(label[0].length).replace(/^,/, '')
    }
    rest = rest.slice(1)
  }
  // Prometheus reads NaN in any case, and prom-client writes Nan.
  const value = /^ (NaN|Nan|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(rest)?.[1]
  if (value === undefined) throw new Error(`no value: ${line}`)
  return { key: line.slice(0, line.length - value.length - 1), name, value: Number(value) }
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string {
  const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
  const type = types.get(family)
  if (type === undefined) throw new Error(`${name} has no TYPE before it`)
  if (family !== name && type !== 'histogram' && type !== 'summary')
    throw new Error(`${name} is no histogram`)
  return family
}
