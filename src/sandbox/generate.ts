import { createBill } from './bills.ts'
import { accountsFor } from './chart.ts'
import type { CompanyState } from './company-state.ts'
import { usualRate } from './currencies.ts'
import type { Editor } from './editor.ts'
import { daysToBePaid, daysToPayBill, RENT_EVERY_DAYS, SHARES, WAGES_EVERY_DAYS } from './habits.ts'
import { createInvoice, voidInvoice } from './invoices.ts'
import { amountText, minorOfToken, rateToken } from './money.ts'
import { companyName, expenseDescription, personName, salesDescription } from './names.ts'
import { addDays, pacificDate } from './pacific-time.ts'
import { createCustomer, createVendor } from './parties.ts'
import { deposit, payBill, receivePayment } from './payments.ts'
import { seededRandom } from './random.ts'
import type { Random } from './random.ts'
import { createSortedList } from './sorted-list.ts'
import { createStartingAccounts } from './starting-accounts.ts'
import type { Bill, Invoice } from './wire.ts'

const DAY_MS = 86_400_000
const SECOND_MS = 1000
const HISTORY_DAYS = 730
/** Payments for each bill or invoice, which the figures in `payLater` come to. */
const PAYMENTS_PER_DOCUMENT = 0.66
/** Documents that share their second with the one before, as imports do. */
const SAME_SECOND = 0.15
/** Below that there are the accounts alone, for books written by hand. */
const FEWEST_RECORDS = 10
/** A firm with fewer has neither staff nor premises. */
const FEWEST_OF_A_FIRM = 100
/** What the figures in `writeInvoice` come to. */
const AVERAGE_INVOICE_MINOR = 260_000

interface Writing {
  state: CompanyState
  editor: Editor
  random: Random
  nowMs: number
  /** Ordinary vendors: those with the Ids from 1. */
  suppliers: number
  /** Payments to come, by the time at which they happen; looked through between documents. */
  later: Later
}

interface Later {
  add(atMs: number, work: (atMs: number) => void): void
  runUntil(atMs: number): void
}

/** Fills an empty company with two years of business up to now, the same for the same seed and time. */
export function generateHistory(state: CompanyState, editor: Editor, nowMs: number, seed: number): void {
  const random = seededRandom('history', seed, state.spec.realmId)
  const writing: Writing = { state, editor, random, nowMs, suppliers: 0, later: createLater() }
  editor.bulk(() => {
    const lists = writeLists(writing)
    const documents = Math.max(2, Math.round((state.spec.records - lists) / (1 + PAYMENTS_PER_DOCUMENT)))
    writing.suppliers = state.counters.get('Vendor') ?? 1
    if (hasStaff(state)) writeStandingBills(writing, documents / 2)
    if (state.spec.records >= FEWEST_RECORDS) writeDocuments(writing, documents)
  })
}

function hasStaff({ spec: { solvent = false, records } }: CompanyState): boolean {
  return solvent && records >= FEWEST_OF_A_FIRM
}

function writeLists({ state, editor, random, nowMs }: Writing): number {
  const { records, homeCurrency, multiCurrency } = state.spec
  const startMs = nowMs - HISTORY_DAYS * DAY_MS
  const accounts = editor.change(startMs, (draft) => createStartingAccounts(draft, records, hasStaff(state)))
  if (records < FEWEST_RECORDS) return accounts
  const vendors = Math.max(1, Math.round(records * 0.03))
  const customers = Math.max(1, Math.round(records * 0.05))
  const currency = () => (multiCurrency && random.chance(0.3) ? foreign(homeCurrency, random) : homeCurrency)
  for (let made = 0; made < vendors; made += 1) {
    editor.change(startMs + (made + 1) * SECOND_MS, (draft) =>
      createVendor(draft, {
        name: companyName(random),
        currency: currency(),
        accountNumber: `77-${made + 1}`,
      }),
    )
  }
  for (let made = 0; made < customers; made += 1) {
    editor.change(startMs + (made + 1) * SECOND_MS, (draft) => {
      const job = made > 0 && random.chance(0.08)
      const parentId = String(random.integer(1, made))
      if (job)
        return createCustomer(draft, {
          name: salesDescription(random),
          parentId,
          currency: currencyOf(draft.read('Customer', parentId)),
        })
      return createCustomer(draft, { name: personName(random), currency: currency() })
    })
  }
  return accounts + vendors + customers
}

function writeDocuments(writing: Writing, documents: number): void {
  const { random, nowMs, later } = writing
  const firstMs = nowMs - (HISTORY_DAYS - 1) * DAY_MS
  const stepMs = (nowMs - firstMs) / documents
  let atMs = firstMs
  for (let made = 0; made < documents; made += 1) {
    if (!random.chance(SAME_SECOND)) atMs = Math.floor(firstMs + (made + random.fraction()) * stepMs)
    later.runUntil(atMs)
    if (made % 2 === 0) writeBill(writing, atMs)
    else writeInvoice(writing, atMs)
  }
  later.runUntil(nowMs)
}

function writeBill(writing: Writing, atMs: number): void {
  const { state, editor, random } = writing
  const expenses = accountsFor(state, 'expense')
  const share = state.spec.solvent ? SHARES.bought : 1
  const lines = Array.from({ length: random.chance(0.25) ? 2 : 1 }, () => ({
    amount: amountText(Math.ceil(someMinor(random) * share)),
    accountId: random.pick(expenses).id,
    description: expenseDescription(random),
  }))
  const txnDate = addDays(pacificDate(atMs), -random.integer(0, 5))
  const termsDays = random.pick(TERMS_DAYS)
  const dueDate = addDays(txnDate, termsDays)
  const vendorId = String(random.integer(1, writing.suppliers))
  const bill = editor.change(atMs, (draft) =>
    createBill(draft, {
      vendorId,
      lines,
      txnDate,
      dueDate,
      docNumber: `INV-${random.integer(1000, 9999)}`,
      ...rateOn(writing, currencyOf(draft.read('Vendor', vendorId))),
    }),
  )
  const inDays = () => daysToPayBill(termsDays, random)
  payLater(writing, atMs, { document: bill, inDays }, (payMs, paid) => {
    const cards = accountsFor(state, 'card')
    const source = cards.length > 0 && random.chance(0.15) ? random.pick(cards).id : undefined
    editor.change(payMs, (draft) => payBill(draft, bill.Id, paid, source))
  })
}

function writeInvoice(writing: Writing, atMs: number): void {
  const { state, editor, random, later } = writing
  const usual = random.chance(0.25) ? 2 : 1
  const lines = Array.from({ length: state.spec.linesPerInvoice ?? usual }, () => ({
    amount: amountText(someMinor(random)),
    description: salesDescription(random),
  }))
  const txnDate = pacificDate(atMs)
  const termsDays = random.pick(TERMS_DAYS)
  const dueDate = addDays(txnDate, termsDays)
  const customerId = String(random.integer(1, state.counters.get('Customer') ?? 1))
  const invoice = editor.change(atMs, (draft) =>
    createInvoice(draft, {
      customerId,
      lines,
      txnDate,
      dueDate,
      ...(random.chance(0.3) ? { tax: amountText(random.integer(100, 9_000)) } : {}),
      email: `ap${customerId}@example.test`,
      emailStatus: random.pick(['NotSet', 'NeedToSend', 'EmailSent']),
      ...rateOn(writing, currencyOf(draft.read('Customer', customerId))),
    }),
  )
  if (random.chance(0.01))
    return later.add(atMs + DAY_MS, (ms) => editor.change(ms, (draft) => voidInvoice(draft, invoice.Id)))
  const inDays = () => daysToBePaid(termsDays, Number(customerId), random)
  payLater(writing, atMs, { document: invoice, inDays }, (payMs, paid) => {
    const { Id } = editor.change(payMs, (draft) => receivePayment(draft, invoice.Id, paid))
    if (state.spec.solvent || random.chance(0.6))
      later.add(payMs + DAY_MS, (ms) => editor.change(ms, (draft) => deposit(draft, Id)))
  })
}

const TERMS_DAYS = [0, 15, 30, 30, 60]

interface Payable {
  document: Bill | Invoice
  /** After how many days a firm that lives on its books pays it, or is paid; null: never. */
  inDays: () => number | null
}

/** Most documents are paid within two months, some in part, some never; those of a solvent firm by its habits. */
function payLater(
  writing: Writing,
  atMs: number,
  { document, inDays }: Payable,
  pay: (payMs: number, paid: string) => void,
): void {
  const { state, random, later } = writing
  const minor = minorOfToken(document.TotalAmt)
  if (state.spec.solvent) {
    const days = inDays()
    if (days === null) return
    const atHour = atMs + days * DAY_MS + random.integer(0, DAY_MS / 4)
    const first = random.chance(0.06) ? Math.ceil(minor / 3) : minor
    later.add(atHour, (ms) => pay(ms, amountText(first)))
    if (first < minor) later.add(atHour + 20 * DAY_MS, (ms) => pay(ms, amountText(minor - first)))
    return
  }
  const fate = random.fraction()
  if (fate > 0.66) return
  const part = fate < 0.08 ? Math.ceil(minor / 3) : minor
  later.add(atMs + random.integer(1, 60) * DAY_MS + random.integer(0, DAY_MS), (ms) =>
    pay(ms, amountText(part)),
  )
}

/** Wages and rent, from the first month on, each paid as it comes. */
function writeStandingBills(writing: Writing, invoices: number): void {
  const { editor, nowMs } = writing
  const soldADayMinor = (invoices * AVERAGE_INVOICE_MINOR) / HISTORY_DAYS
  const firstMs = nowMs - (HISTORY_DAYS - RENT_EVERY_DAYS) * DAY_MS
  for (const { name, everyDays, share, account } of STANDING) {
    const { Id: vendorId } = editor.change(firstMs - DAY_MS, (draft) => createVendor(draft, { name }))
    const amount = amountText(Math.round(soldADayMinor * everyDays * share))
    repeat(writing.later, firstMs, everyDays, (atMs) => {
      const accounts = accountsFor(writing.state, 'expense')
      const { id: accountId } = accounts.find((candidate) => candidate.name === account) ?? accounts[0]!
      const txnDate = pacificDate(atMs)
      const lines = [{ amount, accountId, description: name }]
      const bill = editor.change(atMs, (draft) =>
        createBill(draft, { vendorId, lines, txnDate, dueDate: addDays(txnDate, 3) }),
      )
      writing.later.add(atMs + 2 * DAY_MS, (ms) =>
        editor.change(ms, (draft) => payBill(draft, bill.Id, amount)),
      )
    })
  }
}

const STANDING = [
  { name: 'Brightside Payroll', everyDays: WAGES_EVERY_DAYS, share: SHARES.wages, account: 'Wages' },
  { name: 'Kingsway Estates', everyDays: RENT_EVERY_DAYS, share: SHARES.rent, account: 'Rent' },
]

function repeat(later: Later, firstMs: number, everyDays: number, work: (atMs: number) => void): void {
  later.add(firstMs, (atMs) => {
    work(atMs)
    repeat(later, atMs + everyDays * DAY_MS, everyDays, work)
  })
}

/** Rates wander a little around the usual one. */
function rateOn({ state, random }: Writing, currency: string): { exchangeRate?: string } {
  if (currency === state.spec.homeCurrency) return {}
  const usual = usualRate(currency, state.spec.homeCurrency)
  return { exchangeRate: rateToken(Math.round(usual * (0.96 + random.fraction() * 0.08))).rawJSON }
}

function someMinor(random: Random): number {
  return random.chance(0.3) ? random.integer(1, 900) * 500 : random.integer(900, 400_000)
}

function foreign(homeCurrency: string, random: Random): string {
  return random.pick(['EUR', 'GBP', 'USD', 'CAD'].filter((currency) => currency !== homeCurrency))
}

function currencyOf(party: { CurrencyRef: { value: string } }): string {
  return party.CurrencyRef.value
}

interface Waiting {
  atMs: number
  order: number
  work: (atMs: number) => void
}

/** A queue by time. Work may add work; what lies past the last `runUntil` never happens. */
function createLater(): Later {
  const queue = createSortedList<Waiting>((a, b) => a.atMs - b.atMs || a.order - b.order)
  let order = 0
  const add = (atMs: number, work: (atMs: number) => void) => {
    order += 1
    queue.add({ atMs, order, work })
  }
  const runUntil = (untilMs: number) => {
    for (let next = queue.items[0]; next && next.atMs <= untilMs; next = queue.items[0]) {
      queue.remove(next)
      next.work(next.atMs)
    }
  }
  return { add, runUntil }
}
