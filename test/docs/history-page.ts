import { readFile } from 'node:fs/promises'

/** The SQL of docs/history.md that contains these words. */
export async function sqlOfHistoryPage(words: string): Promise<string> {
  const page = await readFile(new URL('../../docs/history.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/^```sql\n(.*?)^```$/gms)].map((match) => match[1]!)
  const block = blocks.find((sql) => sql.includes(words))
  if (block === undefined) throw new Error(`docs/history.md has no SQL with "${words}"`)
  return block
}
