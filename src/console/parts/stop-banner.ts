import type { CallsPause } from '../../connections/service-state.ts'
import { isStopCode, type StopCode } from '../../domain/service-stop.ts'
import type { PageContext } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { adviceOf } from '../remedy.ts'
import { fullSentence } from '../sentence.ts'
import { stateMark } from './state.ts'
import { ago, clock } from './time.ts'

/** On every page while nothing is read from QuickBooks: without it, a page would only grow older. */
export function stopBanner(context: PageContext): Markup | null {
  const { stop } = context
  if (stop === null || stop.since === null || !isStopCode(stop.code)) return null
  return html`
    <section class="notice act stop" aria-label="Reading is stopped">
      <p>
        ${stateMark('act', 'Reading is stopped')}
        <strong>${WHAT[stop.code]}</strong> Stopped since ${clock(stop.since, context)}.
        ${nextTry(stop.code, stop, context)}
      </p>
      <p>${fullSentence(stop.reason)}</p>
      <p>${adviceOf(stop.code)} What has been read until then can be looked at as always.</p>
    </section>
  `
}

const WHAT: Readonly<Record<StopCode, string>> = {
  budget_spent: 'The calls of this month are used up.',
  app_misconfigured: 'Intuit refuses this service as a whole.',
  quota_exhausted: 'Intuit answers no more calls of this service, as when those of a month are used up.',
}

function nextTry(code: StopCode, { until }: CallsPause, context: PageContext): Markup {
  const isPast = until <= context.now
  switch (code) {
    case 'budget_spent':
      return isPast
        ? html`The next tick looks whether the budget allows calls again.`
        : html`It goes on ${ago(until, context)}, at ${clock(until, context)}.`
    case 'app_misconfigured':
    case 'quota_exhausted':
      return isPast
        ? html`One client is about to try whether it is over.`
        : html`One client tries whether it is over ${ago(until, context)}.`
  }
}
