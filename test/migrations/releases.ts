import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRecording, type Recording } from './recording.ts'

export interface Release {
  readonly version: string
  /** SHA-256 of the text of each migration that it had, by name of the file. */
  readonly migrations: Readonly<Record<string, string>>
  readonly recording: Recording
}

export const RELEASED = fileURLToPath(new URL('released', import.meta.url))

/** What was recorded of every release, each in a folder of its own. */
export async function readReleases(): Promise<Release[]> {
  const versions = (await readdir(RELEASED)).sort()
  return Promise.all(versions.map((version) => readRelease(join(RELEASED, version))))
}

/** What a folder holds, which is called as the release is. */
export async function readRelease(folder: string): Promise<Release> {
  const { migrations } = JSON.parse(await readFile(join(folder, 'release.json'), 'utf8')) as {
    migrations: Record<string, string>
  }
  return {
    version: basename(folder),
    migrations,
    recording: await readRecording(join(folder, 'statements.jsonl.gz')),
  }
}
