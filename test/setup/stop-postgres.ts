import { removePostgres } from './start-postgres.ts'

/** Ends what `start-postgres.ts` began; jest runs both in its own process, outside the workers. */
export default async function stopPostgres(): Promise<void> {
  if (globalThis.testPostgres !== undefined) await removePostgres(globalThis.testPostgres)
}
