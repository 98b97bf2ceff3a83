import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readRecording, type Recording } from './recording.ts'

export interface Release {
  readonly version: string
  /** SHA-256 of the text of each migration that it had, by name of the file. */
  readonly migrations: Readonly<Record<string, string>>
  readonly recording: Recording
}

/** What was recorded of every release, each in a folder of its own. */
export async function readReleases(
  folder = fileURLToPath(new URL('released', import.meta.url)),
): Promise<Release[]> {
  const versions = (await readdir(folder)).sort()
  return Promise.all(
    versions.map(async (version) => {
      const { migrations } = JSON.parse(await readFile(`${folder}/${version}/release.json`, 'utf8')) as {
        migrations: Record<string, string>
      }
      return {
        version,
        migrations,
        recording: await readRecording(`${folder}/${version}/statements.jsonl.gz`),
      }
    }),
  )
}
