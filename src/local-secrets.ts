import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EncryptionKey } from './connections/token-cipher.ts'

/** The admin token of a start without one: generated once and kept, readable only by its owner. */
export async function keepLocalAdminToken(directory: string): Promise<string> {
  return keep(await openFolder(directory), 'admin-token', () => randomBytes(24).toString('base64url'))
}

/** What the simulator signs its webhooks with: generated once and kept, readable only by its owner. */
export async function keepLocalVerifierToken(directory: string): Promise<string> {
  return keep(await openFolder(directory), 'verifier-token', () => randomBytes(24).toString('base64url'))
}

/** The key that was generated for stored tokens; null where none was, or where it is gone. */
export async function readLocalKey(directory: string): Promise<EncryptionKey | null> {
  const key = await readIfThere(localKeyFile(directory))
  return key === null ? null : toKey(key)
}

/** Generates that key and keeps it, readable only by its owner; one that is there stays. */
export async function makeLocalKey(directory: string): Promise<EncryptionKey> {
  return toKey(await keep(await openFolder(directory), KEY_FILE, () => randomBytes(32).toString('base64')))
}

export function localKeyFile(directory: string): string {
  return join(directory, KEY_FILE)
}

const KEY_FILE = 'encryption-key'

function toKey(key: string): EncryptionKey {
  return { id: 'local', key: Buffer.from(key, 'base64') }
}

async function openFolder(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return directory
}

async function keep(folder: string, name: string, make: () => string): Promise<string> {
  const file = join(folder, name)
  const kept = await readIfThere(file)
  if (kept !== null) return kept
  const unfinished = `${file}-${randomBytes(6).toString('hex')}`
  await writeFile(unfinished, `${make()}\n`, { mode: 0o600 })
  // When processes start together, one writes the secret atomically and the others read it.
  await link(unfinished, file).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error
  })
  await unlink(unfinished)
  return (await readIfThere(file)) ?? keep(folder, name, make)
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
  return (error as NodeJS.ErrnoException).code === code
}
