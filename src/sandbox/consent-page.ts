import type { Answer } from './answer.ts'
import { PEOPLE } from './people.ts'

export interface Choosable {
  realmId: string
  name: string
}

/** Sign in, choice of the company and consent on one page: Intuit has a page for each. Its form comes back by POST. */
export function consentPage(companies: Choosable[]): Answer {
  const people = PEOPLE.map(({ id, name }) => choice('person', id, name))
  const realms = companies.map(({ realmId, name }) => choice('realmId', realmId, `${name} (${realmId})`))
  return page(
    200,
    'Connect a company to this app',
    `<p>The app asks to read and write your accounting data. Intuit has no consent for reading alone.</p>
    <form method="post">
      <fieldset><legend>Who are you?</legend>${people.join('')}</fieldset>
      <fieldset><legend>Which company?</legend>${realms.join('')}</fieldset>
      ${button('allow', 'Connect')} ${button('deny', 'No, thanks')}
    </form>`,
  )
}

/** One who connected before loses the connection to the one who goes on. */
export function newAdminPage(company: Choosable, person: string): Answer {
  return page(
    200,
    'Assign a new admin',
    `<p>Somebody else connected ${escaped(company.name)} to this app. If you go on, you take their place.</p>
    <form method="post">
      <input type="hidden" name="person" value="${escaped(person)}">
      <input type="hidden" name="realmId" value="${escaped(company.realmId)}">
      ${button('replace', 'Assign me')} ${button('deny', 'No, thanks')}
    </form>`,
  )
}

export function noAdminPage(company: Choosable): Answer {
  return page(
    403,
    'You cannot connect this company',
    `<p>Only an admin of ${escaped(company.name)} can connect it to an app.</p>
    <form method="post">${button('deny', 'Back to the app')}</form>`,
  )
}

function choice(name: string, value: string, text: string): string {
  const field = `<input type="radio" name="${name}" value="${escaped(value)}" required>`
  return `<p><label>${field} ${escaped(text)}</label></p>`
}

// Who refuses need not choose first.
function button(answer: string, text: string): string {
  const skip = answer === 'deny' ? ' formnovalidate' : ''
  return `<button name="answer" value="${answer}"${skip}>${text}</button>`
}

function page(status: number, title: string, content: string): Answer {
  const body = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
    <meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">
    </head><body style="font-family: sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem">
    <p>The simulator of Intuit</p><h1>${title}</h1>${content}</body></html>`
  return { status, contentType: 'text/html;charset=UTF-8', body }
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
