import type { Page } from '../document.ts'
import { html } from '../html.ts'

/** Where the admin token opens the console. */
export function loginPage({
  note,
  next,
  development,
}: {
  readonly note: string | null
  readonly next: string
  /** Where the token was printed at the start. */
  readonly development: boolean
}): Page {
  return {
    title: 'Sign in',
    section: null,
    isBare: true,
    body: html`
      <section class="sheet narrow login">
        <h1>Ledger Mirror</h1>
        <p class="lead">The books of every client, at any moment.</p>
        ${note !== null && html`<p role="alert" class="notice act">${note}</p>`}
        <form method="post" action="/login" class="stack">
          <input type="hidden" name="next" value="${next}" />
          <label
            >Admin token
            <input type="password" name="token" required autofocus autocomplete="current-password" />
          </label>
          <button class="primary">Sign in</button>
        </form>
        <p class="quiet">
          ${
            development
              ? html`<code>npm start</code> prints the token, and an address that signs in once.`
              : html`The token is the setting <code>ADMIN_TOKEN</code> of the service.`
          }
        </p>
      </section>
    `,
  }
}
