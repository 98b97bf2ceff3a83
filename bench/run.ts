import { cpus, loadavg, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Bench, BenchContext, Report } from './bench.ts'
import { startBenchPostgres, type BenchPostgres } from './bench-postgres.ts'
import { figure } from './figures.ts'
import { backfill } from './backfill.ts'
import { fleet } from './fleet.ts'
import { heavyPages } from './heavy-pages.ts'
import { metricsBench } from './metrics.ts'
import { peer } from './peer.ts'
import { peopleFirst } from './people-first.ts'
import { queue } from './queue.ts'
import { reads } from './reads.ts'
import { rest } from './rest.ts'
import { soak, SOAK_COMPANIES, SOAK_MINUTES } from './soak.ts'
import { statements } from './statements.ts'
import { tickBench } from './tick.ts'
import { writePath } from './write-path.ts'
import { years } from './years.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: 'string' }, minutes: { type: 'string', default: String(SOAK_MINUTES) } },
})

// Run when none is named.
const BENCHES: Readonly<Record<string, Bench>> = {
  'write-path': (context) => writePath(context),
  backfill: (context) => backfill(context),
  'heavy-pages': (context) => heavyPages(context),
  fleet: (context) => fleet(context),
  tick: (context) => tickBench(context),
  queue: (context) => queue(context),
  rest: (context) => rest(context),
  metrics: (context) => metricsBench(context),
  reads: (context) => reads(context),
  statements: (context) => statements(context),
  'people-first': (context) => peopleFirst(context),
  peer: (context) => peer(context),
  years: (context) => years(context),
}

// Takes an hour, and so has to be asked for by name.
const ALL: Readonly<Record<string, Bench>> = {
  ...BENCHES,
  soak: (context) => soak(context, { companies: SOAK_COMPANIES, minutes: Number(values.minutes) }),
}

const unknown = positionals.filter((name) => !(name in ALL))
if (unknown.length > 0)
  refuse(`There is no bench "${unknown.join('", "')}"; there are: ${Object.keys(ALL).join(', ')}`)
if (!/^[1-9]\d*$/.test(values.minutes))
  refuse(`--minutes must be a whole number of minutes, and is "${values.minutes}"`)

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
    show(await ALL[name]!(context))
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

function show({ settings, results, notes = [], failures = [] }: Report): void {
  for (const setting of settings) say(`  ${setting}`)
  const width = Math.max(0, ...results.map(({ what }) => what.length))
  for (const { what, value, aim } of results) {
    say(`  ${what.padEnd(width)}  ${value}${aim === undefined ? '' : `  (aim: ${aim})`}`)
  }
  for (const note of notes) say(`\n${note}`)
  for (const failure of failures) say(`FAILED: ${failure}`)
  if (failures.length > 0) process.exitCode = 1
}

function refuse(message: string): never {
  say(message)
  process.exit(64)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
