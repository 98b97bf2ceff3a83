import { whatToDo } from '../domain/what-to-do.ts'
import type { Problem } from '../http/problem/problem.ts'
import type { PageContext } from './context.ts'
import type { Page } from './document.ts'
import { html } from './html.ts'
import { fullSentence } from './sentence.ts'

/** What went wrong, what a person can do about it, and the name under which the log knows the request. */
export function errorPage({ status, code, detail }: Problem, { requestId }: PageContext): Page {
  const title = titleOf(status)
  return {
    title,
    section: null,
    body: html`
      <section class="sheet narrow">
        <h1>${title}</h1>
        <p class="lead">${fullSentence(detail)}</p>
        <p>${whatToDo(code)}</p>
        <p><a class="button" href="/console">All clients</a></p>
        <p class="quiet">Request <code>${requestId}</code> · ${status} <code>${code}</code></p>
      </section>
    `,
  }
}

function titleOf(status: number): string {
  switch (status) {
    case 400:
      return 'This address says something that cannot be'
    case 403:
      return 'Not allowed from there'
    case 404:
      return 'Nothing is here'
    case 409:
      return 'Not possible now'
    case 429:
      return 'Too many attempts'
    case 503:
      return 'Not available at the moment'
    default:
      return 'Something went wrong'
  }
}
