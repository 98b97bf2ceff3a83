/** One side of a double entry. Debits are positive, so liabilities, equity and income come out negative. */
export interface Posting {
  accountId: string
  /** Minor units in the company's home currency: the postings of one transaction add up to zero in it. */
  home: number
  /** Minor units in the account's own currency. */
  own: number
}

export interface Totals {
  home: number
  own: number
}

/** What every account holds: the sum of the postings of all transactions. */
export interface Ledger {
  add(postings: readonly Posting[], sign: 1 | -1): void
  totals(accountId: string): Totals
  accountIds(): Iterable<string>
}

export function createLedger(): Ledger {
  const accounts = new Map<string, Totals>()
  const add = (postings: readonly Posting[], sign: 1 | -1) => {
    for (const { accountId, home, own } of postings) {
      const totals = accounts.get(accountId) ?? { home: 0, own: 0 }
      accounts.set(accountId, { home: totals.home + sign * home, own: totals.own + sign * own })
    }
  }
  return {
    add,
    totals: (accountId) => accounts.get(accountId) ?? { home: 0, own: 0 },
    accountIds: () => accounts.keys(),
  }
}

/** `33:-12000:-12000;17:12000:12000`: small enough to keep beside every transaction. */
export function encodePostings(postings: readonly Posting[]): string {
  return postings.map(({ accountId, home, own }) => `${accountId}:${home}:${own}`).join(';')
}

export function decodePostings(text: string): Posting[] {
  if (text === '') return []
  return text.split(';').map((part) => {
    const [accountId = '', home, own] = part.split(':')
    return { accountId, home: Number(home), own: Number(own) }
  })
}

/** Throws when the postings do not add up to zero: a mistake of the simulator, never of its user. */
export function assertBalanced(postings: readonly Posting[]): void {
  const sum = postings.reduce((total, posting) => total + posting.home, 0)
  if (sum !== 0) throw new Error(`postings do not balance: ${encodePostings(postings)}`)
}
