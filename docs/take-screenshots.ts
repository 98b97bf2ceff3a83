import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'

/** `npm run screenshots -- ADDRESS`: the pages of a service just started, by the address that its start printed. */
const FOLDER = fileURLToPath(new URL('console/', import.meta.url))

const COMPANY = '/console/companies/4620816300000000003'

const PAGES: Readonly<Record<string, string>> = {
  clients: '/console',
  'clients-then': '/console?asOf={minute}',
  overview: COMPANY,
  invoices: `${COMPANY}/invoices?status=open&sort=dueDate`,
  record: `${COMPANY}/invoices/{invoice}`,
  changes: '/console/changes',
  timeline: `${COMPANY}/timeline`,
  connection: `${COMPANY}/connection`,
  runs: '/console/runs',
  search: '/console/search?q=Ltd',
}

const LOOKS = {
  light: { colorScheme: 'light', width: 1400, height: 900 },
  dark: { colorScheme: 'dark', width: 1400, height: 900 },
  phone: { colorScheme: 'light', width: 390, height: 844 },
} as const

async function main(address: string | undefined): Promise<void> {
  if (address === undefined || !URL.canParse(address)) {
    throw new Error('say the address that the start printed after "Open:"')
  }
  await mkdir(FOLDER, { recursive: true })
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  })
  try {
    const page = await browser.newPage({ timezoneId: 'America/New_York' })
    await page.goto(address)
    const { origin } = new URL(address)
    const known = {
      minute: new Date(Date.now() - 60_000).toISOString(),
      invoice: await anInvoice(page, origin),
    }
    for (const [name, path] of Object.entries(PAGES)) await take(page, name, origin + filled(path, known))
  } finally {
    await browser.close()
  }
}

/** One that is open. */
async function anInvoice(page: Page, origin: string): Promise<string> {
  await page.goto(`${origin}${COMPANY}/invoices?status=open&sort=-changed`)
  const href = await page.getAttribute('tbody th a', 'href')
  return href?.split('/').at(-1) ?? ''
}

function filled(path: string, known: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? '')
}

async function take(page: Page, name: string, address: string): Promise<void> {
  for (const [look, { colorScheme, width, height }] of Object.entries(LOOKS)) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height })
    await page.goto(address, { waitUntil: 'networkidle' })
    await page.screenshot({ path: `${FOLDER}${name}-${look}.png` })
  }
}

await main(process.argv[2])
