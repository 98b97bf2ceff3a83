import { expect, test } from '@jest/globals'
import { sqlOfHistoryPage } from '../docs/history-page.ts'
import { dumpMirror, expectedMirror } from '../setup/books.ts'
import { createTestDatabase } from '../setup/test-database.ts'
import { openDeployment, smallCompany } from './deployment.ts'
import { openKnex } from '../setup/open-knex.ts'

const COMPANY = smallCompany(1, 60)
const REALM = COMPANY.realmId

test('a role with the rights that docs/history.md grants serves, though it owns nothing', async () => {
  const database = await createTestDatabase()
  const owner = openKnex(database.url)
  const deployment = await openDeployment({ databaseUrl: database.url, companies: [COMPANY] })
  const url = new URL(database.url)
  const role = `service_of_${url.pathname.slice(1)}`
  url.username = role
  url.password = 'of-a-test'
  try {
    await deployment.migrate()
    await deployment.registerCompanies()
    const grants = (await sqlOfHistoryPage('CREATE ROLE')).replace('…', 'of-a-test')
    await owner.raw(grants.replaceAll('ledger_service', role))
    const replica = await deployment.start({ DATABASE_URL: url.toString() })
    for (const mode of ['full', 'incremental']) {
      const books = deployment.sandbox.books(REALM)
      books.editBill(books.records('Bill')[0]!.Id, { privateNote: `before the ${mode} run` })
      const asked = await replica.request('POST', `/admin/sync/${REALM}?wait=25`, { body: { mode } })
      expect(JSON.parse(asked.text)).toMatchObject({ run: { status: 'succeeded' } })
    }
    expect(await deployment.rows('SELECT FROM bills_history')).not.toEqual([])
    expect(await dumpMirror(deployment, REALM)).toEqual(expectedMirror(deployment, REALM))
    expect(await replica.end('SIGTERM')).toBe(0)
  } finally {
    await deployment.close()
    await owner.raw(`DROP OWNED BY ${role}`)
    await owner.raw(`DROP ROLE ${role}`)
    await owner.destroy()
    await database.drop()
  }
})
