import { once } from 'node:events'
import { lockDataFolder } from '../../src/db/data-folder-lock.ts'

/** A process of its own that locks the folder named by its argument on a line of input, and says how that went. */
const [, , directory = ''] = process.argv

process.stdout.write('waiting\n')
await once(process.stdin, 'data')
try {
  await lockDataFolder(directory)
  process.stdout.write('locked\n')
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`)
}
// Open input keeps the process, and with it the lock, until it is killed.
process.stdin.resume()
