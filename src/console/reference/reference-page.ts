import { openApi, type DescribedOperation, type Parameter } from '../../http/reference/openapi.ts'
import { NO_FIELDS } from '../../http/request/fields.ts'
import { readQuery } from '../../http/request/validate.ts'
import type { Page } from '../document.ts'
import { html, type Markup } from '../html.ts'
import { addPage, type Pages } from '../pages.ts'
import { table } from '../parts/table.ts'

/** The reference of the API as a page, for somebody who has no token yet. */
export function addReferencePage(pages: Pages, version: string): void {
  const body = referenceBody(version)
  addPage(pages, '/docs', (request) => {
    readQuery(request, NO_FIELDS)
    return Promise.resolve(page(body))
  })
}

function page(body: Markup): Page {
  return { title: 'API', section: null, isBare: true, body }
}

const AREAS: readonly (readonly [tag: string, title: string])[] = [
  ['api', 'Reading: takes ADMIN_TOKEN or READ_TOKEN'],
  ['admin', 'Operating: takes ADMIN_TOKEN'],
  ['open', 'Probes'],
]

function referenceBody(version: string): Markup {
  const operations = Object.entries(openApi(version).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
  return html`
    <h1>The API of Ledger Mirror ${version}</h1>
    <p>
      For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1). Errors are
      <code>application/problem+json</code> and name each field that is wrong; every answer carries its
      <code>X-Request-Id</code>, which the log knows too.
    </p>
    ${AREAS.map(
      ([tag, title]) =>
        html`<section class="sheet reference">
          <h2>${title}</h2>
          ${operations
            .filter(({ operation }) => operation.tags.includes(tag))
            .map(({ method, path, operation }) => entry(method, path, operation))}
        </section>`,
    )}
  `
}

function entry(method: string, path: string, operation: DescribedOperation): Markup {
  const { summary, parameters, requestBody, responses } = operation
  const answers = Object.entries(responses).filter(([status]) => status !== 'default')
  return html`
    <details>
      <summary><code>${method.toUpperCase()} ${path}</code> ${summary}</summary>
      ${parameters.length > 0 && parameterTable(parameters)}
      ${
        requestBody &&
        html`<p>Body:</p>
          <pre>${JSON.stringify(requestBody.content, null, 2)}</pre>`
      }
      <ul>
        ${answers.map(([status, { description }]) => html`<li><code>${status}</code> ${description}</li>`)}
      </ul>
    </details>
  `
}

function parameterTable(parameters: readonly Parameter[]): Markup {
  return table<Parameter>({
    caption: 'Parameters',
    address: null,
    rows: parameters,
    columns: [
      { label: 'Parameter', cell: ({ name }) => html`<code>${name}</code>` },
      { label: 'In', cell: (parameter) => `${parameter.in}${parameter.required ? ', required' : ''}` },
      { label: 'Takes', cell: takes },
    ],
  })
}

/** The narrowest that the schema says, in words. */
function takes({ schema }: Parameter): string {
  const { enum: words, default: value } = schema
  const what = Array.isArray(words)
    ? words.join(', ')
    : firstText(schema['pattern'], schema['format'], schema['type'])
  return value === undefined ? what : `${what} (else ${JSON.stringify(value)})`
}

function firstText(...values: readonly unknown[]): string {
  return values.find((value) => typeof value === 'string') ?? 'text'
}
