import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { opsFiles } from './files.ts'

for (const [name, text] of opsFiles()) {
  const file = fileURLToPath(new URL(name, import.meta.url))
  await writeFile(file, text)
  process.stdout.write(`${file} is written.\n`)
}
