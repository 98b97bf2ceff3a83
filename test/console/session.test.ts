import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { ADMIN_TOKEN } from '../http/open-http.ts'
import { cookiesOf, openConsole, SIGN_IN_KEY, type OpenConsole } from './open-console.ts'

let http: OpenConsole

beforeAll(async () => {
  http = await openConsole()
})

afterAll(() => http.close())

const PAGE = '/console/changes'

function signIn(token: string, from = '10.0.0.1') {
  return request(http.app)
    .post('/login')
    .set('Sec-Fetch-Site', 'same-origin')
    .set('X-Forwarded-For', from)
    .type('form')
    .send({ token, next: PAGE })
}

describe('signing in', () => {
  test('leads a stranger to the sign-in page and back', async () => {
    const stranger = await request(http.app).get(`${PAGE}?entity=bill`)
    expect(stranger.status).toBe(303)
    expect(stranger.headers['location']).toBe(
      `/login?${new URLSearchParams({ next: `${PAGE}?entity=bill` }).toString()}`,
    )
    const signedIn = await signIn(ADMIN_TOKEN)
    expect([signedIn.status, signedIn.headers['location']]).toEqual([303, PAGE])
    const page = await request(http.app).get(PAGE).set('Cookie', cookiesOf(signedIn.headers))
    expect(page.status).toBe(200)
  })

  test('gives a cookie that no script reads, that no other site sends, and that ends', async () => {
    const { headers } = await signIn(ADMIN_TOKEN)
    const [cookie] = headers['set-cookie'] as unknown as string[]
    expect(cookie).toMatch(/; HttpOnly/)
    expect(cookie).toMatch(/; SameSite=Lax/)
    expect(cookie).toMatch(/; Max-Age=\d+/)
    expect(cookie).not.toContain('Secure')
    expect(cookie).not.toContain(ADMIN_TOKEN)
  })

  test('gives a cookie for encrypted connections alone where the router ended TLS', async () => {
    const { headers } = await signIn(ADMIN_TOKEN).set('X-Forwarded-Proto', 'https')
    expect((headers['set-cookie'] as unknown as string[])[0]).toContain('Secure')
  })

  test('refuses a wrong token, and says so', async () => {
    const answer = await signIn('not-the-token', '10.0.0.2')
    expect(answer.status).toBe(401)
    expect(answer.text).toContain('That is not the token.')
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(answer.text).not.toContain('not-the-token')
  })

  test('slows whoever tries again and again, and nobody else', async () => {
    const answers = []
    for (let attempt = 0; attempt < 12; attempt += 1) answers.push(await signIn('guess', '10.0.0.3'))
    const slowed = answers.at(-1)!
    expect(slowed.status).toBe(429)
    expect(Number(slowed.headers['retry-after'])).toBeGreaterThan(0)
    expect((await signIn(ADMIN_TOKEN, '10.0.0.4')).status).toBe(303)
  })

  test('takes the printed key once', async () => {
    const again = await request(http.app).get(`/login?key=${SIGN_IN_KEY}`)
    expect(again.status).toBe(200)
    expect(again.text).toContain('This address has been used')
  })

  test.each([
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '/console\\..\\x',
    '/admin/companies',
  ])('never leads elsewhere: %s', async (next) => {
    const answer = await request(http.app)
      .post('/login')
      .set('Sec-Fetch-Site', 'same-origin')
      .set('X-Forwarded-For', '10.0.0.5')
      .type('form')
      .send({ token: ADMIN_TOKEN, next })
    expect(answer.headers['location']).toBe('/console')
  })
})

describe('a session', () => {
  test('ends for a copied cookie too', async () => {
    const cookie = cookiesOf((await signIn(ADMIN_TOKEN, '10.0.0.6')).headers)
    const out = await request(http.app)
      .post('/logout')
      .set('Cookie', cookie)
      .set('Sec-Fetch-Site', 'same-origin')
    expect(out.headers['location']).toBe('/login')
    expect((await request(http.app).get(PAGE).set('Cookie', cookie)).status).toBe(303)
  })

  test('is over when its time is', async () => {
    const cookie = cookiesOf((await signIn(ADMIN_TOKEN, '10.0.0.7')).headers)
    await http.knex('console_sessions').update({ began_at: new Date(0), ends_at: new Date(1000) })
    expect((await request(http.app).get(PAGE).set('Cookie', cookie)).status).toBe(303)
    await http.knex('console_sessions').update({ ends_at: new Date('2100-01-01') })
    expect((await request(http.app).get(PAGE).set('Cookie', cookie)).status).toBe(200)
  })

  test('is not made up', async () => {
    for (const value of ['x', 'Fe26.2**0*0*0*0*0*0*0', encodeURIComponent('{"id":"1"}')]) {
      const answer = await request(http.app).get(PAGE).set('Cookie', `ledger_session=${value}`)
      expect(answer.status).toBe(303)
    }
  })

  test('opens no way into the API', async () => {
    const answer = await http.see('/admin/companies')
    expect(answer.status).toBe(401)
  })
})

describe('what changes something', () => {
  test.each([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a neighbour', { 'Sec-Fetch-Site': 'same-site' }],
    ['another origin', { Origin: 'https://evil.example' }],
    ['no origin', { Origin: 'null' }],
    ['nowhere', {}],
  ])('is refused from %s', async (_where, headers) => {
    const answer = await request(http.app).post('/logout').set('Cookie', http.cookie).set(headers)
    expect(answer.status).toBe(403)
    expect((await http.see(PAGE)).status).toBe(200)
  })

  test('is taken from our own origin where a browser says no more', async () => {
    const answer = await request(http.app)
      .post('/login')
      .set('Host', 'books.example:3000')
      .set('Origin', 'http://books.example:3000')
      .set('X-Forwarded-For', '10.0.0.8')
      .type('form')
      .send({ token: ADMIN_TOKEN })
    expect(answer.status).toBe(303)
  })
})

test('a page allows nothing from elsewhere and nothing written into it', async () => {
  const { headers, text } = await http.see(PAGE)
  const policy = headers['content-security-policy']!
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toMatch(/unsafe|https?:|\*/)
  expect(headers['cache-control']).toBe('no-store')
  expect(text).not.toMatch(/<script(?![^>]*\bsrc="\/console\/assets\/)|\sstyle="|\son\w+="|https?:\/\//)
})

test('no token is in a line of the log', () => {
  expect(JSON.stringify(http.logLines)).not.toContain(ADMIN_TOKEN)
})
