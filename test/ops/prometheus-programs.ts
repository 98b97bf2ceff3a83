import { existsSync } from 'node:fs'

export const PROMETHEUS = process.env['PROMETHEUS_PATH'] ?? '/usr/bin/prometheus'
export const PROMTOOL = process.env['PROMTOOL_PATH'] ?? '/usr/bin/promtool'

/** Whether the program is there; says in one line what is left out otherwise. */
export function hasProgram(path: string, what: string): boolean {
  const has = existsSync(path)
  if (!has) process.stderr.write(`Left out: ${what}, since there is no ${path}.\n`)
  return has
}
