import type { Address } from '../address.ts'
import { MOMENT_PARAMS } from '../address.ts'
import { html, type Child, type Markup } from '../html.ts'

/** A button that asks for something to be done. */
export function actionButton(
  action: string,
  label: string,
  {
    tone = '',
    fields = {},
  }: { tone?: '' | 'primary' | 'danger'; fields?: Readonly<Record<string, string>> } = {},
): Markup {
  return html`<form method="post" action="${action}">
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <button ${tone !== '' && html`class="${tone}"`}>${label}</button>
  </form>`
}

/** The same for what is not lightly undone: the first click shows what it means, the second does it. */
export function confirmedButton(label: string, consequence: Child, confirm: Markup): Markup {
  return html`<details class="menu confirm">
    <summary class="button">${label}</summary>
    <div class="menu-body">
      <p>${consequence}</p>
      ${confirm}
    </div>
  </details>`
}

/** So that a form leads to the same moment. */
export function momentFields({ query }: Address): Child {
  return MOMENT_PARAMS.filter((name) => query.has(name)).map(
    (name) => html`<input type="hidden" name="${name}" value="${query.get(name)}" />`,
  )
}

/** A form whose fields become the page's address. What else the address says is kept, but for the place in the list. */
export function filterForm(
  address: Address,
  names: readonly string[],
  fields: Child,
  /** What else stands in its row. */
  beside: Child = null,
): Markup {
  const kept = [...MOMENT_PARAMS, 'sort'].filter((name) => !names.includes(name) && address.query.has(name))
  return html`<form class="filters" action="${address.path}">
    ${kept.map((name) => html`<input type="hidden" name="${name}" value="${address.query.get(name)}" />`)}
    ${fields}
    <button>Show</button>
    ${
      names.some((name) => (address.query.get(name) ?? '') !== '') &&
      html`<a class="button" href="${cleared(address, names)}">Clear</a>`
    }
    ${beside}
  </form>`
}

function cleared({ path, query }: Address, names: readonly string[]): string {
  const rest = new URLSearchParams(query)
  for (const name of [...names, 'cursor']) rest.delete(name)
  const text = rest.toString()
  return text === '' ? path : `${path}?${text}`
}

export function textField(
  address: Address,
  name: string,
  label: string,
  { type = 'text', size }: { type?: 'text' | 'search' | 'date' | 'number'; size?: number } = {},
): Markup {
  return html`<label
    >${label}
    <input
      type="${type}"
      name="${name}"
      value="${address.query.get(name)}"
      ${type === 'number' && html`step="any"`}
      ${size !== undefined && html`size="${size}"`}
      maxlength="100"
    />
  </label>`
}

export function choiceField(
  address: Address,
  name: string,
  label: string,
  choices: readonly (readonly [value: string, label: string])[],
): Markup {
  const chosen = address.query.get(name) ?? ''
  return html`<label
    >${label}
    <select name="${name}">
      ${choices.map(
        ([value, text]) =>
          html`<option value="${value}" ${value === chosen && html`selected`}>${text}</option>`,
      )}
    </select>
  </label>`
}
