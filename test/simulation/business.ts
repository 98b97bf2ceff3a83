import type { Books, QboObject } from '../../src/sandbox/sandbox.ts'
import type { Choices } from './random.ts'

export interface Business {
  readonly action: string
  /** False when the books refused, as they do when somebody pays what is paid: then nothing happened. */
  readonly isDone: boolean
  /** For the story of a failure. */
  readonly said: string
}

/** One thing that somebody does in a company's books. */
export function doBusiness(books: Books, choices: Choices): Business {
  const action = choices.pick(ACTIONS)
  try {
    return { action: action.name, isDone: true, said: `${action.name}(${action(books, choices)})` }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { action: action.name, isDone: false, said: `${action.name} refused: ${why}` }
  }
}

/** What changes without a trace in change data capture: only a complete listing can find it. */
export function doSilently(books: Books, choices: Choices): Business {
  const action = choices.pick(SILENT_ACTIONS)
  return { action: action.name, isDone: true, said: `${action.name}(${action(books, choices)})` }
}

type Action = (books: Books, choices: Choices) => string

const ACTIONS: readonly Action[] = [
  function createBill(books, choices) {
    const vendor = choices.pick(active(books, 'Vendor'))
    return books.createBill({ vendorId: vendor.Id, amount: amount(choices) }).Id
  },
  function createInvoice(books, choices) {
    const customer = choices.pick(active(books, 'Customer'))
    return books.createInvoice({ customerId: customer.Id, amount: amount(choices) }).Id
  },
  function editBill(books, choices) {
    return books.editBill(choices.pick(live(books, 'Bill')).Id, { amount: amount(choices) }).Id
  },
  function editInvoice(books, choices) {
    return books.editInvoice(choices.pick(live(books, 'Invoice')).Id, {
      privateNote: `note ${choices.whole(1, 999)}`,
    }).Id
  },
  function payBill(books, choices) {
    const bill = choices.pick(live(books, 'Bill').filter(isOpen))
    return books.payBill(bill.Id, Number(bill['Balance']).toFixed(2)).Id
  },
  function payBillInPart(books, choices) {
    const bill = choices.pick(live(books, 'Bill').filter(isOpen))
    return books.payBill(bill.Id, part(bill, choices)).Id
  },
  function receivePayment(books, choices) {
    const invoice = choices.pick(live(books, 'Invoice').filter(isOpen))
    return books.receivePayment(invoice.Id, Number(invoice['Balance']).toFixed(2)).Id
  },
  function receivePaymentInPart(books, choices) {
    const invoice = choices.pick(live(books, 'Invoice').filter(isOpen))
    return books.receivePayment(invoice.Id, part(invoice, choices)).Id
  },
  function deposit(books, choices) {
    return books.deposit(choices.pick(live(books, 'Payment')).Id).Id
  },
  function unapply(books, choices) {
    return books.unapply(choices.pick([...live(books, 'Payment'), ...live(books, 'BillPayment')]).Id).Id
  },
  function deleteTransaction(books, choices) {
    const type = choices.pick(['Bill', 'Invoice', 'Payment', 'BillPayment'] as const)
    const { Id } = choices.pick(live(books, type))
    books.deleteTxn(type, Id)
    return `${type} ${Id}`
  },
  function createAndDelete(books, choices) {
    const { Id } = books.createBill({
      vendorId: choices.pick(active(books, 'Vendor')).Id,
      amount: amount(choices),
    })
    books.deleteTxn('Bill', Id)
    return Id
  },
  function enterAgain(books, choices) {
    const { Id } = choices.pick(live(books, 'Invoice'))
    books.deleteTxn('Invoice', Id)
    return `${Id} as ${books.restoreAs('Invoice', Id).Id}`
  },
  function voidInvoice(books, choices) {
    return books.voidInvoice(choices.pick(live(books, 'Invoice')).Id).Id
  },
  function renameVendor(books, choices) {
    return books.renameVendor(choices.pick(active(books, 'Vendor')).Id, `Vendor ${choices.whole(1, 1e9)}`).Id
  },
  function renameCustomer(books, choices) {
    return books.renameCustomer(
      choices.pick(active(books, 'Customer')).Id,
      `Customer ${choices.whole(1, 1e9)}`,
    ).Id
  },
  function inactivate(books, choices) {
    return books.inactivate('Customer', choices.pick(active(books, 'Customer').slice(1)).Id).Id
  },
  function reactivate(books, choices) {
    const { Id } = choices.pick(live(books, 'Customer').filter((customer) => customer['Active'] === false))
    return books.reactivate('Customer', Id).Id
  },
  function backdate(books, choices) {
    return books.backdate('Bill', choices.pick(live(books, 'Bill')).Id, `2026-0${choices.whole(1, 9)}-15`).Id
  },
  function touch(books, choices) {
    const type = choices.pick(['Bill', 'Invoice', 'Vendor', 'Account'] as const)
    return `${type} ${books.touch(type, choices.pick(live(books, type)).Id).Id}`
  },
]

const SILENT_ACTIONS: readonly Action[] = [
  function silentChange(books, choices) {
    const { Id } = choices.pick(live(books, 'Bill'))
    books.silentChange('Bill', Id, { PrivateNote: `changed behind the scenes ${choices.whole(1, 999)}` })
    return Id
  },
  function silentAmount(books, choices) {
    const { Id } = choices.pick(live(books, 'Bill'))
    books.silentChange('Bill', Id, { TotalAmt: 5_000 + choices.whole(1, 4_999) })
    return Id
  },
  function vanish(books, choices) {
    const { Id } = choices.pick(live(books, 'Bill'))
    books.vanish('Bill', Id)
    return Id
  },
  function merge(books) {
    const [survivor, loser] = active(books, 'Vendor')
    if (!survivor || !loser) return 'nobody'
    books.merge('Vendor', survivor.Id, loser.Id)
    return `${survivor.Id}, ${loser.Id}`
  },
  function silentMerge(books) {
    const [survivor, loser] = active(books, 'Vendor')
    if (!survivor || !loser) return 'nobody'
    books.merge('Vendor', survivor.Id, loser.Id, { silent: true })
    return `${survivor.Id}, ${loser.Id}`
  },
  function falseTombstone(books, choices) {
    const { Id } = choices.pick(live(books, 'Bill'))
    books.falseTombstone('Bill', Id)
    return Id
  },
]

export const BUSINESS_NAMES = ACTIONS.map(({ name }) => name)
export const SILENT_NAMES = SILENT_ACTIONS.map(({ name }) => name)

type Type = Parameters<Books['records']>[0]

function live(books: Books, type: Type): QboObject[] {
  return books.records(type)
}

function active(books: Books, type: 'Vendor' | 'Customer'): QboObject[] {
  return books.records(type).filter((party) => party['Active'] !== false)
}

function isOpen(record: QboObject): boolean {
  return Number(record['Balance']) > 0
}

function amount(choices: Choices): string {
  return `${choices.whole(1, 5000)}.${String(choices.whole(0, 99)).padStart(2, '0')}`
}

function part(record: QboObject, choices: Choices): string {
  const balance = Number(record['Balance'])
  return Math.max(0.01, balance * choices.next()).toFixed(2)
}
