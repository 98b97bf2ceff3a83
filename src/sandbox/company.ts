import { createBooks } from './create-books.ts'
import type { Books } from './books.ts'
import { createCompanyState } from './company-state.ts'
import type { CompanyContents, CompanySpec, CompanyState, StoredChange } from './company-state.ts'
import { createEditor } from './editor.ts'
import { generateHistory } from './generate.ts'

export interface Company {
  readonly state: CompanyState
  readonly books: Books
}

/** Where a company's changes are kept. */
export interface CompanyKeeper {
  /** Everything, when the company is new. */
  begin(state: CompanyState): void
  append(changes: StoredChange[], state: CompanyState): void
}

export interface CompanyOptions {
  now: () => number
  seed: number
  keeper: CompanyKeeper | null
  /** Told of each change after it was kept. */
  tell?: ((changes: readonly StoredChange[]) => void) | undefined
}

export function createCompany(spec: CompanySpec, { now, seed, keeper, tell }: CompanyOptions): Company {
  const state = createCompanyState(spec, now())
  const editor = createEditor(state, recorder(state, { keeper, tell }))
  generateHistory(state, editor, now(), seed)
  keeper?.begin(state)
  return { state, books: createBooks(state, editor, now, seed) }
}

/** A company as it was kept. */
export function reopenCompany(
  spec: CompanySpec,
  createdMs: number,
  contents: CompanyContents,
  { now, seed, keeper, tell }: CompanyOptions,
): Company {
  const state = createCompanyState(spec, createdMs, contents)
  const editor = createEditor(state, recorder(state, { keeper, tell }))
  return { state, books: createBooks(state, editor, now, seed) }
}

function recorder(state: CompanyState, { keeper, tell }: Pick<CompanyOptions, 'keeper' | 'tell'>) {
  return (changes: StoredChange[]) => {
    keeper?.append(changes, state)
    tell?.(changes)
  }
}
