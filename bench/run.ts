import { cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Bench, BenchContext, Report } from './bench.ts'
import { startBenchPostgres, type BenchPostgres } from './bench-postgres.ts'
import { figure } from './figures.ts'
import { backfill } from './backfill.ts'
import { fleet } from './fleet.ts'
import { metricsBench } from './metrics.ts'
import { peer } from './peer.ts'
import { rest } from './rest.ts'
import { statements } from './statements.ts'
import { tickBench } from './tick.ts'
import { writePath } from './write-path.ts'

const BENCHES: Readonly<Record<string, Bench>> = {
  'write-path': (context) => writePath(context),
  backfill: (context) => backfill(context),
  fleet: (context) => fleet(context),
  tick: (context) => tickBench(context),
  rest: (context) => rest(context),
  metrics: (context) => metricsBench(context),
  statements: (context) => statements(context),
  peer: (context) => peer(context),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: 'string' } },
})
const unknown = positionals.filter((name) => !(name in BENCHES))
if (unknown.length > 0) {
  say(`There is no bench "${unknown.join('", "')}"; there are: ${Object.keys(BENCHES).join(', ')}`)
  process.exit(64)
}

const postgres = await startBenchPostgres()
process.once('SIGINT', () => void postgres.stop().then(() => process.exit(130)))
try {
  describeMachine(postgres)
  const context: BenchContext = {
    postgres,
    say: (line) => say(`  ${line}`),
    profileDirectory: values.profile ?? null,
  }
  for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHES)) {
    say(`\n# ${name}`)
    show(await BENCHES[name]!(context))
  }
} finally {
  await postgres.stop()
}

function describeMachine({ version }: BenchPostgres): void {
  const processors = cpus()
  say(
    `${processors.length} x ${processors[0]?.model ?? 'unknown processor'}, ${figure(totalmem() / 2 ** 30)} GiB`,
  )
  say(`${process.platform}, Node ${process.versions.node}, Postgres ${version} embedded, fsync on`)
  say(
    `load before the start ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  )
}

function show({ settings, results, notes = [] }: Report): void {
  for (const setting of settings) say(`  ${setting}`)
  const width = Math.max(0, ...results.map(({ what }) => what.length))
  for (const { what, value, aim } of results) {
    say(`  ${what.padEnd(width)}  ${value}${aim === undefined ? '' : `  (aim: ${aim})`}`)
  }
  for (const note of notes) say(`\n${note}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
