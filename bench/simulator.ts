import { startSandbox, type Books, type CompanySpec, type Sandbox } from '../src/sandbox/sandbox.ts'
import {
  SIMULATOR_CLIENT,
  type SimulatorReady,
  type SimulatorSpec,
  type SimulatorStep,
} from './simulator-spec.ts'

// Twenty records a second, so that no page of the listing lies inside one second.
const PUT_PER_SECOND = 20
const FIRST_PUT_MS = Date.UTC(2025, 0, 1)
const FIRST_PUT_ID = 1_000_000

const spec = JSON.parse(process.argv[2] ?? '') as SimulatorSpec
const sandbox = await startSandbox({
  port: 0,
  directory: null,
  now: () => Date.now(),
  seed: 11,
  companies: Array.from({ length: spec.companies }, (_, index) => companyOf(index)),
  ...SIMULATOR_CLIENT,
  activityIntervalMs: null,
})
putInvoices(sandbox)
// Nothing outlives the bench that started it, however that ended.
process.once('disconnect', () => process.exit())
process.on('message', ({ step }: SimulatorStep) => {
  for (const realmId of step) sandbox.books(realmId).step()
  process.send?.('stepped')
})
const { url, apiBaseUrl, tokenUrl, revokeUrl } = sandbox
process.send?.({
  url,
  apiBaseUrl,
  tokenUrl,
  revokeUrl,
  companies: sandbox.companies(),
} satisfies SimulatorReady)

function companyOf(index: number): CompanySpec {
  return {
    realmId: String(4_620_816_310_000_000_000n + BigInt(index)),
    name: `Company ${index + 1}`,
    records: spec.records,
    homeCurrency: 'USD',
    multiCurrency: false,
    country: 'USA',
    lively: false,
    ...(spec.long && index < spec.long.companies ? { linesPerInvoice: spec.long.linesPerInvoice } : {}),
  }
}

/** Copies of the first companies' own invoices under new ids: made one by one they would take minutes. */
function putInvoices(into: Sandbox): void {
  for (const { realmId } of into.companies().slice(0, spec.giants ?? 1)) putInto(into.books(realmId))
}

function putInto(books: Books): void {
  const patterns = books.records('Invoice')
  for (let made = 0; made < spec.invoices; made += 1) {
    const atMs = FIRST_PUT_MS + Math.floor(made / PUT_PER_SECOND) * 1000
    const at = `${new Date(atMs).toISOString().slice(0, 19)}-08:00`
    const MetaData = { CreateTime: at, LastUpdatedTime: at }
    const pattern = patterns[made % patterns.length]
    const invoice = { ...pattern, Id: String(FIRST_PUT_ID + made), DocNumber: `P-${made}`, MetaData }
    books.putText('Invoice', JSON.stringify(invoice))
  }
}
