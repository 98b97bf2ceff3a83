import { readFile } from 'node:fs/promises'
import { percent } from './figures.ts'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

// Below half a per cent nothing is worth a line.
const WORTH_A_LINE = 0.005

/** Prints where the CPU time of a profile went: by package, by room of ours, by part of Node. Idle time is left out. */
const profile = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as CpuProfile
const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
const micros = new Map<string, number>()
profile.samples.forEach((id, index) => {
  const place = places.get(id) ?? '(unknown)'
  micros.set(place, (micros.get(place) ?? 0) + (profile.timeDeltas[index] ?? 0))
})
micros.delete('(idle)')
const total = [...micros.values()].reduce((sum, value) => sum + value, 0)
for (const [place, value] of [...micros].sort((a, b) => b[1] - a[1])) {
  if (value / total >= WORTH_A_LINE) process.stdout.write(`${percent(value / total).padStart(8)}  ${place}\n`)
}

function placeOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName
  if (url.startsWith('node:')) return url.startsWith('node:internal') ? `node:${url.split('/')[1]}` : url
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  return dependency ?? /\/(src\/[^/]+)/.exec(url)?.[1] ?? url
}
