import type { Books, Step } from './books.ts'
import { accountsFor } from './chart.ts'
import type { CompanyState } from './company-state.ts'
import { amountText, minorOf } from './money.ts'
import { addDays } from './pacific-time.ts'
import { companyName, expenseDescription, personName, salesDescription } from './names.ts'
import { seededRandom } from './random.ts'
import type { Random } from './random.ts'
import type { Entry } from './shelf.ts'
import type { EntityName } from './wire.ts'

type Action = (state: CompanyState, books: Books, random: Random) => { Id: string } | null

/** How often each action comes, out of the sum of all: entering and paying make up most of a day. */
const ACTIONS: [weight: number, type: EntityName, name: string, action: Action][] = [
  [22, 'Bill', 'createBill', enterBill],
  [22, 'Invoice', 'createInvoice', enterInvoice],
  [14, 'BillPayment', 'payBill', payOpenBill],
  [14, 'Payment', 'receivePayment', payOpenInvoice],
  [6, 'Bill', 'editBill', changeBill],
  [6, 'Invoice', 'editInvoice', changeInvoice],
  [4, 'Payment', 'deposit', depositOne],
  [2, 'Bill', 'deleteTxn', (state, books, random) => deleteOne(state, books, random, 'Bill')],
  [1, 'Invoice', 'deleteTxn', (state, books, random) => deleteOne(state, books, random, 'Invoice')],
  [1, 'BillPayment', 'deleteTxn', (state, books, random) => deleteOne(state, books, random, 'BillPayment')],
  [2, 'Invoice', 'voidInvoice', voidOne],
  [2, 'Vendor', 'createVendor', (_state, books, random) => books.createVendor({ name: companyName(random) })],
  [
    2,
    'Customer',
    'createCustomer',
    (_state, books, random) => books.createCustomer({ name: personName(random) }),
  ],
  [1, 'Vendor', 'renameVendor', renameOne],
  [1, 'Customer', 'inactivate', inactivateOne],
  [1, 'Payment', 'unapply', unapplyOne],
  [1, 'Bill', 'backdate', backdateOne],
  [1, 'Invoice', 'touch', touchOne],
]
const WHOLE = ACTIONS.reduce((sum, [weight]) => sum + weight, 0)
/** Tries to find something that fits (an open bill, say) before a new bill is entered instead. */
const TRIES = 20

/** Does one action, chosen by the seed and by how many actions the company has seen. */
export function randomStep(state: CompanyState, books: Books, seed: number): Step {
  const random = seededRandom('step', seed, state.spec.realmId, state.revision)
  let drawn = random.integer(1, WHOLE)
  for (const [weight, type, action, work] of ACTIONS) {
    drawn -= weight
    if (drawn > 0) continue
    const result = work(state, books, random)
    if (result) return { action, type, id: result.Id }
    break
  }
  return { action: 'createBill', type: 'Bill', id: enterBill(state, books, random).Id }
}

function enterBill(state: CompanyState, books: Books, random: Random): { Id: string } {
  const vendor = find(state, random, 'Vendor', ({ active }) => active)
  const expenses = accountsFor(state, 'expense')
  const line = () => ({
    amount: randomAmount(random),
    accountId: random.pick(expenses).id,
    description: expenseDescription(random),
  })
  return books.createBill({
    vendorId: vendor?.id ?? books.createVendor({ name: companyName(random) }).Id,
    lines: random.chance(0.3) ? [line(), line()] : [line()],
    docNumber: `INV-${random.integer(1000, 9999)}`,
  })
}

function enterInvoice(state: CompanyState, books: Books, random: Random): { Id: string } {
  const customer = find(state, random, 'Customer', ({ active }) => active)
  return books.createInvoice({
    customerId: customer?.id ?? books.createCustomer({ name: personName(random) }).Id,
    lines: [{ amount: randomAmount(random), description: salesDescription(random) }],
    emailStatus: random.pick(['NotSet', 'NeedToSend', 'EmailSent']),
  })
}

function payOpenBill(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const bill = find(state, random, 'Bill', isOpen)
  return bill && books.payBill(bill.id, partOf(bill, random))
}

function payOpenInvoice(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const invoice = find(state, random, 'Invoice', isOpen)
  return invoice && books.receivePayment(invoice.id, partOf(invoice, random))
}

function changeBill(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const bill = find(state, random, 'Bill', isUnpaid)
  return bill && books.editBill(bill.id, { amount: randomAmount(random) })
}

function changeInvoice(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const invoice = find(state, random, 'Invoice', isUnpaid)
  return invoice && books.editInvoice(invoice.id, { amount: randomAmount(random), emailStatus: 'EmailSent' })
}

function depositOne(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const payment = find(state, random, 'Payment', isUndeposited)
  return payment && books.deposit(payment.id)
}

function deleteOne(
  state: CompanyState,
  books: Books,
  random: Random,
  type: 'Bill' | 'Invoice' | 'BillPayment',
): { Id: string } | null {
  const entry = find(state, random, type, () => true)
  if (entry) books.deleteTxn(type, entry.id)
  return entry && { Id: entry.id }
}

function voidOne(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const invoice = find(state, random, 'Invoice', isUnpaid)
  return invoice && books.voidInvoice(invoice.id)
}

function renameOne(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const vendor = find(state, random, 'Vendor', ({ active }) => active)
  return vendor && books.renameVendor(vendor.id, companyName(random))
}

function inactivateOne(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const customer = find(
    state,
    random,
    'Customer',
    ({ active, text }) => active && text.includes('"Balance":0,'),
  )
  return customer && books.inactivate('Customer', customer.id)
}

function unapplyOne(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const payment = find(state, random, 'Payment', ({ text }) => text.includes('"UnappliedAmt":0,'))
  return payment && books.unapply(payment.id)
}

function backdateOne(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const bill = find(state, random, 'Bill', () => true)
  const txnDate = bill && /"TxnDate":"([\d-]{10})"/.exec(bill.text)?.[1]
  return txnDate ? books.backdate('Bill', bill.id, addDays(txnDate, -random.integer(20, 200))) : null
}

function touchOne(state: CompanyState, books: Books, random: Random): { Id: string } | null {
  const invoice = find(state, random, 'Invoice', () => true)
  return invoice && books.touch('Invoice', invoice.id)
}

function find(
  state: CompanyState,
  random: Random,
  type: EntityName,
  fits: (entry: Entry) => boolean,
): Entry | null {
  const { items } = state.shelves[type].byId
  for (let tries = 0; tries < TRIES && items.length > 0; tries += 1) {
    const entry = random.pick(items)
    if (fits(entry)) return entry
  }
  return null
}

function isOpen(entry: Entry): boolean {
  return openAmount(entry) > 0
}

function isUnpaid(entry: Entry): boolean {
  return isOpen(entry) && !/"LinkedTxn":\[\{/.test(entry.text)
}

/** The links of a payment's lines begin with an amount before them; its own, that of a deposit, do not. */
function isUndeposited({ text }: Entry): boolean {
  return text.includes('"ProcessPayment":false,"LinkedTxn":[],')
}

function openAmount({ text }: Entry): number {
  const balance = /"Balance":(\d{1,12}(?:\.\d{1,2})?)[,}]/.exec(text)?.[1]
  return balance === undefined ? 0 : minorOf(balance)
}

function partOf(entry: Entry, random: Random): string {
  const open = openAmount(entry)
  return amountText(random.chance(0.7) ? open : Math.ceil(open / 2))
}

function randomAmount(random: Random): string {
  return amountText(random.integer(1_000, 500_000))
}
