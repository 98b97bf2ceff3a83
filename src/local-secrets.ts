import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EncryptionKey } from './connections/token-cipher.ts'

export interface LocalSecrets {
  readonly adminToken: string
  readonly encryptionKeys: readonly EncryptionKey[]
}

/** Secrets for a start with nothing configured: generated once and kept, readable only by their owner. */
export async function readLocalSecrets(directory: string): Promise<LocalSecrets> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const adminToken = await keep(join(directory, 'admin-token'), () => randomBytes(24).toString('base64url'))
  const key = await keep(join(directory, 'encryption-key'), () => randomBytes(32).toString('base64'))
  return { adminToken, encryptionKeys: [{ id: 'local', key: Buffer.from(key, 'base64') }] }
}

async function keep(file: string, make: () => string): Promise<string> {
  const kept = await readIfThere(file)
  if (kept !== null) return kept
  const unfinished = `${file}-${randomBytes(6).toString('hex')}`
  await writeFile(unfinished, `${make()}\n`, { mode: 0o600 })
  // When processes start together, one writes the secret atomically and the others read it.
  await link(unfinished, file).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error
  })
  await unlink(unfinished)
  return (await readIfThere(file)) ?? keep(file, make)
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
