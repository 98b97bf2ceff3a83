import { linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import type { Markup } from '../html.ts'
import { tabs } from '../parts/tabs.ts'

const TABS = [
  { tab: 'runs', label: 'Runs', path: '/console/runs' },
  { tab: 'rejects', label: 'Rejected records', path: '/console/runs/rejects' },
  { tab: 'dead', label: 'Dead letters', path: '/console/runs/dead-letters' },
  { tab: 'queues', label: 'Queues', path: '/admin/queues' },
] as const

/** Everything that may have failed, from one place. */
export function runTabs(current: (typeof TABS)[number]['tab'], { address }: PageContext): Markup {
  return tabs(
    'Runs and failures',
    TABS.map(({ tab, label, path }) => ({ label, href: linkTo(address, path), isCurrent: tab === current })),
  )
}
