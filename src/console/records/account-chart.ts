import { readBalanceSeries } from '../../books/balance-series.ts'
import type { ShownRecord } from '../../books/shown-record.ts'
import { companyDay } from '../../domain/company-time.ts'
import type { PageContext } from '../context.ts'
import { html, type Markup } from '../html.ts'
import type { ConsoleOptions } from '../options.ts'
import { lineChart } from '../parts/line-chart.ts'

/** What the account held at the end of each day of the last quarter. */
export async function accountChart(
  options: ConsoleOptions,
  { realmId, qboId, currency }: ShownRecord,
  { moment, now }: PageContext,
  timeZone: string | null,
): Promise<Markup> {
  // The last day shown is that of the moment; the series knows the company's zone and leaves out days to come.
  const to = moment.asOf === null ? null : companyDay(new Date(moment.asOf), timeZone)
  const { data } = await readBalanceSeries(options, { realmId, qboId, from: null, to, step: 'day' })
  return html`<section class="sheet no-print">
    <h3>Balance by day</h3>
    ${lineChart({
      caption: `Balance at the end of each day until ${to ?? companyDay(now, timeZone)}`,
      labels: data.map(({ date }) => date),
      series: [{ label: currency ?? 'Balance', values: data.map(({ currentBalance }) => currentBalance) }],
    })}
  </section>`
}
