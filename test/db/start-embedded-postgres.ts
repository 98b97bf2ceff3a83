import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'

/** A process of its own that starts the Postgres of the folder named by its argument, and tells its URL. */
const [, , directory = ''] = process.argv

const postgres = await startEmbeddedPostgres({
  directory,
  log: (message) => process.stdout.write(`${message}\n`),
})
process.stdout.write(`${postgres.url}\n`)
process.stdin.once('data', () => {
  void postgres.stop().then(() => {
    process.stdout.write('stopped\n')
    process.stdin.destroy()
  })
})
