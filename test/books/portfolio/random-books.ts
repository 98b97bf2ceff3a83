import type { Knex } from 'knex'
import { insertBalance, insertBill, insertInvoice } from '../../http/rows.ts'

interface Doc {
  readonly kind: 'bill' | 'invoice'
  readonly id: string
  readonly party: string
  readonly currency: string
  readonly due: string | null
  cents: bigint
  gone: boolean
  voided: boolean
}

interface Account {
  readonly id: string
  readonly type: string
  readonly currency: string
  cents: bigint
}

const CURRENCIES = ['USD', 'EUR', 'JPY']
const TYPES = ['Bank', 'Accounts Receivable', 'Accounts Payable', 'Expense']

/** Books that a seed decides, and what they add up to by a plain loop. */
export function randomOf(seed: number) {
  let state = seed * 2654435761
  const next = (below: number) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822507) + 0x9e3779b9) >>> 0
    return state % below
  }
  const pick = <Item>(items: readonly Item[]): Item => items[next(items.length)]!
  const cents = () => BigInt(next(400_000) - 50_000)

  function books(today: string) {
    const docs: Doc[] = []
    const accounts: Account[] = TYPES.flatMap((type) =>
      CURRENCIES.slice(0, 1 + next(3)).map((currency) => ({
        id: `${type.length}${currency}`,
        type,
        currency,
        cents: cents(),
      })),
    ).map((account, at) => ({ ...account, id: String(at + 1) }))
    const newDoc = (): Doc => ({
      kind: pick(['bill', 'invoice']),
      id: String(docs.length + 1),
      party: String(1 + next(9)),
      currency: pick(CURRENCIES),
      due: next(10) === 0 ? null : dayAfter(today, next(240) - 150),
      cents: next(4) === 0 ? 0n : cents(),
      gone: false,
      voided: false,
    })
    for (let count = 0; count < 120; count += 1) docs.push(newDoc())

    const insertDoc = (
      knex: Knex,
      realmId: string,
      { kind, id, party, currency, due, cents: amount }: Doc,
    ) => {
      const row = {
        currency,
        due_date: due,
        balance: decimal(amount),
        total_amount: decimal(amount),
        doc_number: id,
      }
      return kind === 'bill'
        ? insertBill(knex, realmId, id, { ...row, vendor_id: party, vendor_name: `Party ${party}` })
        : insertInvoice(knex, realmId, id, { ...row, customer_id: party, customer_name: `Party ${party}` })
    }

    return {
      async insert(knex: Knex, realmId: string) {
        for (const doc of docs) await insertDoc(knex, realmId, doc)
        for (const { id, type, currency, cents: amount } of accounts) {
          await insertBalance(knex, realmId, id, {
            account_type: type,
            currency,
            current_balance: decimal(amount),
          })
        }
      },
      /** One transaction of a few changes, as a run would write them. */
      async change(knex: Knex, realmId: string) {
        await knex.transaction(async (trx) => {
          for (let count = 0; count < 6; count += 1) {
            const doc = pick(docs)
            const place = trx(doc.kind === 'bill' ? 'bills' : 'invoices').where({
              realm_id: realmId,
              qbo_id: doc.id,
            })
            const hash = `${next(1_000_000_000)}`
            const way = next(4)
            if (way === 0) {
              doc.gone = true
              await place.update({ deleted_at: new Date(), content_hash: hash })
            } else if (way === 1 && doc.kind === 'invoice') {
              doc.voided = true
              await place.update({ voided: true, content_hash: hash })
            } else {
              doc.cents = next(3) === 0 ? 0n : cents()
              await place.update({ balance: decimal(doc.cents), content_hash: hash })
            }
          }
          const account = pick(accounts)
          account.cents = cents()
          await trx('balances')
            .where({ realm_id: realmId, qbo_id: account.id })
            .update({ current_balance: decimal(account.cents), content_hash: `${next(1_000_000_000)}` })
          const doc = newDoc()
          docs.push(doc)
          await insertDoc(trx, realmId, doc)
        })
      },
      sums(day: string) {
        const cash = accounts.filter(({ type }) => type === 'Bank')
        return {
          cash: inOrder(cash).map(({ currency, cents: amount }) => ({ currency, amount: decimal(amount) })),
          receivables: owed('invoice', day, docs, accounts),
          payables: owed('bill', day, docs, accounts),
        }
      },
    }
  }

  return { pick, books }
}

function inOrder<Item extends { readonly currency: string }>(items: readonly Item[]): Item[] {
  return [...items].sort((one, other) => (one.currency < other.currency ? -1 : 1))
}

function owed(kind: Doc['kind'], day: string, docs: readonly Doc[], accounts: readonly Account[]): object[] {
  const open = docs.filter((doc) => doc.kind === kind && doc.cents !== 0n && !doc.gone && !doc.voided)
  const type = kind === 'bill' ? 'Accounts Payable' : 'Accounts Receivable'
  const currencies = [
    ...new Set(
      [...open, ...accounts.filter((account) => account.type === type)].map(({ currency }) => currency),
    ),
  ]
  const rows = currencies.map((currency) => {
    const own = open.filter((doc) => doc.currency === currency)
    const past = ({ due }: Doc) => (due === null ? 0 : daysFrom(due, day))
    const total = (among: readonly Doc[]) => decimal(among.reduce((sum, doc) => sum + doc.cents, 0n))
    const aged = (from: number, to: number) =>
      total(own.filter((doc) => past(doc) >= from && past(doc) <= to))
    const within = (days: number) =>
      total(own.filter((doc) => doc.due !== null && past(doc) <= 0 && past(doc) >= -days))
    const overdue = own.filter((doc) => past(doc) > 0)
    const account = accounts.find((candidate) => candidate.type === type && candidate.currency === currency)
    return {
      currency,
      open: total(own),
      overdue: total(overdue),
      ages: {
        current: total(own.filter((doc) => past(doc) <= 0)),
        days1To30: aged(1, 30),
        days31To60: aged(31, 60),
        days61To90: aged(61, 90),
        over90: aged(91, Infinity),
      },
      dueWithin7Days: within(7),
      dueWithin14Days: within(14),
      count: own.length,
      overdueCount: overdue.length,
      accountBalance: account ? decimal(kind === 'bill' ? -account.cents : account.cents) : null,
      largestOverdue: largest(overdue),
    }
  })
  return rows
}

/** Currencies come in no promised order, and `0` and `0.00` are one amount. */
export function comparable(sums: unknown): unknown {
  if (typeof sums === 'string') return /^-?\d+(\.\d+)?$/.test(sums) ? Number(sums).toFixed(2) : sums
  if (Array.isArray(sums)) {
    const items = sums.map(comparable) as { currency?: string }[]
    return items.sort((one, other) => ((one.currency ?? '') < (other.currency ?? '') ? -1 : 0))
  }
  if (typeof sums !== 'object' || sums === null) return sums
  return Object.fromEntries(Object.entries(sums).map(([name, value]) => [name, comparable(value)]))
}

function largest(overdue: readonly Doc[]) {
  return [...Map.groupBy(overdue, ({ party }) => party)]
    .map(([party, own]) => ({
      counterpartyId: party,
      name: `Party ${party}`,
      cents: own.reduce((sum, doc) => sum + doc.cents, 0n),
      oldestDueDate: own.map(({ due }) => due!).sort()[0]!,
    }))
    .filter(({ cents }) => cents > 0n)
    .sort((one, other) =>
      one.cents === other.cents
        ? Number(one.counterpartyId) - Number(other.counterpartyId)
        : one.cents > other.cents
          ? -1
          : 1,
    )
    .slice(0, 5)
    .map(({ counterpartyId, name, cents, oldestDueDate }) => ({
      counterpartyId,
      name,
      amount: decimal(cents),
      oldestDueDate,
    }))
}

function decimal(cents: bigint): string {
  const sign = cents < 0n ? '-' : ''
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0')
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

function daysFrom(from: string, to: string): number {
  return (Date.parse(`${to}T00:00Z`) - Date.parse(`${from}T00:00Z`)) / 86_400_000
}
