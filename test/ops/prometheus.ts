import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { alertRules, formatRules, recordingRules } from '../../ops/rules.ts'
import { findFreePort } from '../setup/free-port.ts'
import { PROMETHEUS } from './prometheus-programs.ts'

export interface Alarm {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

/** A Prometheus that scrapes one process each second, with our rules, whose waits pass faster than the clock. */
export interface RunningPrometheus {
  /** Alerts with these labels that ring now. */
  readonly ringing: (labels: Readonly<Record<string, string>>) => Promise<Alarm[]>
  /** Waits until one rings, or none does; jest's own time limit bounds it. */
  readonly untilRinging: (labels: Readonly<Record<string, string>>) => Promise<Alarm>
  readonly untilQuiet: (labels: Readonly<Record<string, string>>) => Promise<void>
  /** Waits until an expression gives samples. */
  readonly untilSampled: (expr: string) => Promise<void>
  /** The samples that an expression gives now. */
  readonly query: (expr: string) => Promise<unknown[]>
  readonly close: () => Promise<void>
}

const POLL_MS = 250

export async function startPrometheus(options: {
  readonly target: string
  readonly token: string
  readonly speed: number
}): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-mirror-prometheus-'))
  const port = await findFreePort()
  const { speed } = options
  await writeFile(join(folder, 'recording.yml'), formatRules(recordingRules({ speed })))
  await writeFile(join(folder, 'alerts.yml'), formatRules(alertRules({ speed })))
  await writeFile(join(folder, 'prometheus.yml'), configOf(options))
  const child = spawn(
    PROMETHEUS,
    [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=data',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ask = async <Data>(path: string): Promise<Data> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    const { status, data, error } = (await answer.json()) as { status: string; data: Data; error?: string }
    if (status !== 'success') throw new Error(`Prometheus refuses ${path}: ${error}`)
    return data
  }
  const query: RunningPrometheus['query'] = async (expr) => {
    const { result } = await ask<{ result: unknown[] }>(`/api/v1/query?query=${encodeURIComponent(expr)}`)
    return result
  }
  const ringing: RunningPrometheus['ringing'] = async (labels) => {
    const { alerts } = await ask<{ alerts: Alarm[] }>('/api/v1/alerts')
    const wanted = Object.entries(labels)
    return alerts.filter(
      (alarm) => alarm.state === 'firing' && wanted.every(([name, value]) => alarm.labels[name] === value),
    )
  }
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`Prometheus ended: ${said}`)
    await wait(POLL_MS)
  }
  return {
    ringing,
    async untilRinging(labels) {
      for (;;) {
        const [alarm] = await ringing(labels)
        if (alarm) return alarm
        await wait(POLL_MS)
      }
    },
    async untilQuiet(labels) {
      while ((await ringing(labels)).length > 0) await wait(POLL_MS)
    },
    async untilSampled(expr) {
      while ((await query(expr)).length === 0) await wait(POLL_MS)
    },
    query,
    async close() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function configOf({ target, token }: { readonly target: string; readonly token: string }): string {
  return `
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [recording.yml, alerts.yml]
scrape_configs:
  - job_name: ledger-mirror
    authorization: { credentials: ${token} }
    static_configs: [{ targets: ['${new URL(target).host}'] }]
`
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
}
