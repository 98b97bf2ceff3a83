import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { newCompanyFile, openCompanyFile } from './company-file.ts'
import type { CompanyFile } from './company-file.ts'
import { createCompany, reopenCompany } from './company.ts'
import type { Company } from './company.ts'
import type { CompanySpec, StoredChange } from './company-state.ts'

const SUFFIX = '.books'

/** All companies of a simulator, each in its file where there is a directory. */
export interface Companies {
  readonly byRealm: ReadonlyMap<string, Company>
  /** Throws when the company exists. */
  add(spec: CompanySpec): void
  close(): void
}

export interface CompaniesOptions {
  directory: string | null
  now: () => number
  seed: number
  /** Those that the directory does not hold are created; what else it holds is there too. */
  wanted: CompanySpec[]
  tell: (realmId: string, changes: readonly StoredChange[]) => void
}

export function openCompanies({ directory, now, seed, wanted, tell }: CompaniesOptions): Companies {
  const byRealm = new Map<string, Company>()
  const files: CompanyFile[] = []
  const pathOf = (realmId: string) => (directory === null ? null : join(directory, `${realmId}${SUFFIX}`))

  const tellOf = (spec: CompanySpec) => (changes: readonly StoredChange[]) => tell(spec.realmId, changes)
  const create = (spec: CompanySpec) => {
    if (!/^\w{1,40}$/.test(spec.realmId)) throw new Error(`"${spec.realmId}" is no realm id`)
    const path = pathOf(spec.realmId)
    const keeper = path === null ? null : newCompanyFile(path)
    byRealm.set(spec.realmId, createCompany(spec, { now, seed, keeper, tell: tellOf(spec) }))
    if (keeper) files.push(keeper)
  }
  const reopen = (path: string) => {
    const { spec, createdMs, contents, keeper } = openCompanyFile(path)
    byRealm.set(
      spec.realmId,
      reopenCompany(spec, createdMs, contents, { now, seed, keeper, tell: tellOf(spec) }),
    )
    files.push(keeper)
  }
  const add = (spec: CompanySpec) => {
    if (byRealm.has(spec.realmId)) throw new Error(`company ${spec.realmId} exists already`)
    create(spec)
  }

  if (directory !== null) mkdirSync(directory, { recursive: true })
  for (const spec of wanted) {
    const path = pathOf(spec.realmId)
    if (path !== null && existsSync(path)) reopen(path)
    else add(spec)
  }
  for (const name of directory === null ? [] : readdirSync(directory).sort()) {
    const realmId = name.slice(0, -SUFFIX.length)
    if (directory !== null && name.endsWith(SUFFIX) && !byRealm.has(realmId)) reopen(join(directory, name))
  }
  const close = () => {
    for (const file of files) file.close()
  }
  return { byRealm, add, close }
}
