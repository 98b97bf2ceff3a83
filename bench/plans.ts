/** What one statement did, as auto_explain wrote it. */
export interface Plan {
  readonly query: string
  readonly ms: number
  /** Of 8 kB, found in memory or read. */
  readonly pages: number
  /** Tables read from end to end, with the rows met. */
  readonly scans: readonly { readonly table: string; readonly rows: number }[]
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly PlanNode[]
}

/** The plans in a piece of Postgres' log: each a JSON text whose lines but the first are indented by a tab. */
export function readPlans(log: string): Plan[] {
  return [...log.matchAll(/duration: ([\d.]+) ms {2}plan:\n((?:\t.*\n)+)/g)].map(([, ms, text]) => {
    const { 'Query Text': query, Plan: top } = JSON.parse(text!.replace(/^\t/gm, '')) as {
      'Query Text': string
      Plan: PlanNode
    }
    return {
      query,
      ms: Number(ms),
      pages: top['Shared Hit Blocks'] + top['Shared Read Blocks'],
      scans: nodesOf(top)
        .filter((node) => node['Node Type'] === 'Seq Scan')
        .map((node) => ({
          table: node['Relation Name'] ?? '?',
          rows: (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
        })),
    }
  })
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
