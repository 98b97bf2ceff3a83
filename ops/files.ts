import { companyDashboard, fleetDashboard } from './dashboards.ts'
import { alertRules, formatRules, recordingRules } from './rules.ts'

/** What `npm run ops` writes: each file of this folder that has a source in TypeScript, with its text. */
export function opsFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['prometheus/recording.yml', formatRules(recordingRules())],
    ['prometheus/alerts.yml', formatRules(alertRules())],
    ['grafana/fleet.json', formatJson(fleetDashboard())],
    ['grafana/company.json', formatJson(companyDashboard())],
  ])
}

function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
