import { execFile } from 'node:child_process'
import { access, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { opsFiles } from '../../ops/files.ts'
import { alertRules } from '../../ops/rules.ts'
import { hasProgram, PROMTOOL } from './prometheus-programs.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const withPromtool = hasProgram(PROMTOOL, "Prometheus' own check of the rules") ? test : test.skip

test.each([...opsFiles()])('ops/%s is what `npm run ops` writes', async (name, text) => {
  expect(await readFile(join(ROOT, 'ops', name), 'utf8')).toBe(text)
})

test('every alert has a severity and leads to a section of docs/operating.md, and every section to an alert', async () => {
  const page = await readFile(join(ROOT, 'docs/operating.md'), 'utf8')
  const sections = [...page.matchAll(/^### (Ledger\w+)$/gm)].map((match) => match[1]!)
  const alerts = alertRules().groups.flatMap(({ rules }) => rules.filter((rule) => 'alert' in rule))
  for (const { alert, labels, annotations } of alerts) {
    expect(['page', 'ticket']).toContain(labels['severity'])
    expect(annotations['runbook']).toBe(`docs/operating.md#${alert.toLowerCase()}`)
  }
  expect(new Set(sections)).toEqual(new Set(alerts.map(({ alert }) => alert)))
})

test('no expression adds up what every process tells alike', () => {
  for (const text of opsFiles().values())
    expect(text).not.toMatch(/sum[^()]*\(\s*(rate\()?ledger_(sync|queue|comp)/)
})

withPromtool('promtool takes the settings of the Prometheus in ops/compose.yml', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-mirror-compose-'))
  try {
    const settings = await readFile(join(ROOT, 'ops/compose/prometheus.yml'), 'utf8')
    // Where compose.yml mounts the rules.
    await writeFile(
      join(folder, 'prometheus.yml'),
      settings.replaceAll('/etc/prometheus/rules', join(ROOT, 'ops/prometheus')),
    )
    const { stdout } = await run(PROMTOOL, ['check', 'config', 'prometheus.yml'], { cwd: folder })
    expect(stdout).toMatch(/rules? found/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('every file that ops/compose.yml mounts is there', async () => {
  const text = await readFile(join(ROOT, 'ops/compose.yml'), 'utf8')
  const mounted = [...text.matchAll(/- (\.\/[\w./-]+):/g), ...text.matchAll(/\[(\.\/[\w./-]+):/g)].map(
    (match) => match[1]!,
  )
  expect(mounted.length).toBeGreaterThanOrEqual(5)
  for (const path of mounted) await access(join(ROOT, 'ops', path))
})

withPromtool('promtool takes the rules, and each alert rings for its cause alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-mirror-rules-'))
  try {
    await cp(join(ROOT, 'ops/prometheus'), folder, { recursive: true })
    await cp(join(ROOT, 'test/ops/rules.promtool.yml'), join(folder, 'test.yml'))
    await run(PROMTOOL, ['check', 'rules', 'recording.yml', 'alerts.yml'], { cwd: folder })
    const { stdout } = await run(PROMTOOL, ['test', 'rules', 'test.yml'], { cwd: folder })
    expect(stdout).toMatch(/SUCCESS/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
