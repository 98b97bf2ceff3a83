import { html as tag } from 'hono/html'

/** Text that is HTML already and needs no escaping. */
export interface Markup {
  readonly isEscaped: true
  toString(): string
}

/** What a page may be put together from. Nothing is shown for null, undefined and false. */
export type Child = Markup | string | number | null | undefined | false | readonly Child[]

/** A piece of a page: every value in it is escaped unless it is a piece itself. */
export function html(strings: TemplateStringsArray, ...values: readonly Child[]): Markup {
  // Promises, for which the library would return one, are no Child.
  return tag(strings, ...values) as Markup
}
