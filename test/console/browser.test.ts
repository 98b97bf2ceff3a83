import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import {
  insertBalance,
  insertBill,
  insertInvoice,
  insertReject,
  insertRun,
  insertSyncedCompany,
  insertVendor,
  secondsBefore,
} from '../http/rows.ts'
import { ADMIN_TOKEN } from '../http/open-http.ts'
import { openConsole, type OpenConsole } from './open-console.ts'

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
const hasBrowser = existsSync(CHROMIUM)
if (!hasBrowser) {
  process.stderr.write(
    `Left out: the pages in a browser, since there is none at ${CHROMIUM} (CHROMIUM_PATH).\n`,
  )
}

const require = createRequire(import.meta.url)

let http: OpenConsole
let server: Server
let browser: Browser
let page: Page
let base: string
/** What the pages asked of anybody else. */
const elsewhere: string[] = []
const errors: string[] = []

const inBrowser = hasBrowser ? describe : describe.skip

inBrowser('in a browser', () => {
  beforeAll(async () => {
    http = await openConsole()
    const { knex } = http
    await insertSyncedCompany(knex, '1', { name: 'Ada & Sons', home_currency: 'USD', tags: ['retail'] })
    await insertSyncedCompany(knex, '2', { status: 'needs_reauth', status_code: 'needs_reauth' })
    await insertVendor(knex, '1', '56', 'Paper & Co')
    await insertBill(knex, '1', '1')
    await insertBill(knex, '1', '2', { doc_number: 'B-2' })
    await insertInvoice(knex, '1', '9')
    await insertBalance(knex, '1', '35')
    await insertRun(knex, '1', {
      status: 'failed',
      error_code: 'unavailable',
      error_message: 'QuickBooks answered 502',
    })
    await insertReject(knex, '1', { qbo_id: '2' })
    http.deadLetters.push({
      id: randomUUID(),
      realmId: '1',
      at: secondsBefore(600),
      queuedAt: secondsBefore(900),
      attempts: 4,
      code: 'internal',
      message: 'the sync of company 1 failed: internal',
    })
    http.queueState.jobs = [{ queue: 'sync-company', state: 'ready', jobs: 3 }]
    http.queueState.failures = [
      {
        id: randomUUID(),
        queue: 'sync-company',
        realmId: '1',
        state: 'retry',
        attempts: 1,
        at: secondsBefore(60),
        message: 'the sync of company 1 failed: internal',
      },
    ]
    await knex('bills').where({ qbo_id: '1' }).update({ balance: '50', content_hash: 'b' })
    server = createServer(http.app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { chromium } = await import('playwright-core')
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    page = await browser.newPage()
    page.on('request', (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith('data:')) elsewhere.push(request.url())
    })
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => {
      // A page that is missing answers 404, and the browser says so.
      if (message.type() === 'error' && !message.text().includes('404')) errors.push(message.text())
    })
    await page.goto(`${base}/login`)
    await page.fill('input[name=token]', ADMIN_TOKEN)
    await page.click('button.primary')
    await page.waitForURL(`${base}/console`)
  })

  afterAll(async () => {
    await browser.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await http.close()
  })

  const PAGES = [
    '/console',
    '/console?state=late&search=nobody',
    '/console/companies/1',
    '/console/companies/1/bills',
    '/console/companies/1/invoices?status=overdue',
    '/console/companies/1/balances',
    '/console/companies/1/bills/1',
    '/console/companies/1/balances/35',
    '/console/companies/1/bills/1/compare?all=true',
    '/console/companies/1/changes',
    '/console/companies/1/timeline',
    '/console/companies/1/runs',
    '/console/companies/1/connection',
    '/console/changes',
    '/console/runs',
    '/console/runs/1',
    '/console/runs?code=unavailable',
    '/console/runs/rejects',
    '/console/runs/dead-letters',
    '/admin/queues',
    '/console/search?q=paper',
    '/console/companies/404',
  ]

  test.each(PAGES)('%s has nothing that a screen reader stumbles over, light or dark', async (path) => {
    const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8')
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.goto(base + path)
      const results = await auditOf(page, axe)
      const serious = results.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      expect(serious.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
    }
  })

  test.each(PAGES)('%s is no wider than a phone', async (path) => {
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(base + path)
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    await page.setViewportSize({ width: 1280, height: 800 })
    expect(width).toBeLessThanOrEqual(390)
  })

  test('keys go where they say', async () => {
    await page.goto(`${base}/console`)
    await page.keyboard.press('/')
    expect(await page.evaluate<string>('document.activeElement.name')).toBe('q')
    await page.keyboard.press('Escape')
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.waitForURL(`${base}/console/changes`)
    await page.goto(`${base}/console/companies/1/bills`)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/bills\/\d+$/)
  })

  test('keys go from one version of a record to the next', async () => {
    await page.goto(`${base}/console/companies/1/bills/1`)
    await page.keyboard.press('[')
    await page.waitForURL(/asOf=/)
    const older = page.url()
    expect(await page.textContent('.then')).toContain('As this mirror showed it')
    await page.keyboard.press(']')
    await page.waitForURL((url) => url.search.includes('asOf=') && url.href !== older)
    expect(await page.textContent('.record')).toContain('50.00')
  })

  test('a button does its thing', async () => {
    await page.goto(`${base}/console/companies/1`)
    await page.click('text=Sync now')
    await page.waitForURL(`${base}/console/companies/1/runs`)
    expect(http.queued).toContain('1')
  })

  test('no page asked anything of another host, and no script failed', () => {
    expect(elsewhere).toEqual([])
    expect(errors).toEqual([])
  })
})

/** By the browser's own hand: the policy of the pages lets no script of ours in that they do not name. */
async function auditOf(page: Page, axe: string): Promise<AxeResults> {
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: axe })
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { resultTypes: ['violations'] })`,
    awaitPromise: true,
    returnByValue: true,
  })
  await session.detach()
  return result.value as AxeResults
}
