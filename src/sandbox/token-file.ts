import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NO_TOKENS } from './tokens.ts'
import type { TokenState } from './tokens.ts'

export interface TokenFile {
  load(): TokenState
  /** Replaces the file in one step: an app that has got a token finds it valid after any crash of ours. */
  save(state: TokenState): void
}

export function tokenFile(directory: string | null): TokenFile {
  if (directory === null) return { load: () => structuredClone(NO_TOKENS), save: () => undefined }
  const path = join(directory, 'tokens.json')
  const load = () =>
    existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as TokenState) : structuredClone(NO_TOKENS)
  const save = (state: TokenState) => {
    writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  return { load, save }
}
