import type {
  ShownBalance,
  ShownBill,
  ShownCustomer,
  ShownInvoice,
  ShownRecord,
  ShownVendor,
} from '../../books/shown-record.ts'
import type { Entity } from '../../domain/entity.ts'
import { linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import { recordPath } from '../entities.ts'
import { html, type Child, type Markup } from '../html.ts'
import { money } from '../parts/money.ts'
import { documentStatus } from '../parts/document-status.ts'
import type { Column } from '../parts/table.ts'
import { ago, day } from '../parts/time.ts'
import { recordName } from '../records/record-name.ts'

/** The columns of an entity's list; the first leads to the record. */
export function columnsOf(entity: Entity, context: PageContext): readonly Column<ShownRecord>[] {
  const columns = COLUMNS[entity] as (context: PageContext) => readonly Column<ShownRecord>[]
  return columns(context)
}

type ColumnsOf = { readonly [Of in Entity]: (context: PageContext) => readonly Column<ShownRecord<Of>>[] }

const COLUMNS: ColumnsOf = {
  bill: (context) => documentColumns<ShownBill>('bill', context, ({ vendor }) => vendor?.name),
  invoice: (context) => documentColumns<ShownInvoice>('invoice', context, ({ customer }) => customer?.name),
  balance: (context): Column<ShownBalance>[] => [
    {
      label: 'Account',
      cell: (row) => link(row, 'balance', recordName(row), context),
    },
    { label: 'Kind', folds: true, cell: ({ accountType }) => accountType },
    { label: 'Detail', folds: true, cell: ({ accountSubType }) => accountSubType },
    {
      label: 'Balance',
      sort: 'balance',
      isNumber: true,
      cell: ({ currentBalance, currency }) => money(currentBalance, currency),
    },
    {
      label: 'With sub-accounts',
      isNumber: true,
      folds: true,
      cell: ({ currentBalanceWithSubAccounts, currency }) => money(currentBalanceWithSubAccounts, currency),
    },
    changedColumn(context),
  ],
  vendor: (context) => partyColumns<ShownVendor>('vendor', context, ({ companyName }) => companyName),
  customer: (context) =>
    partyColumns<ShownCustomer>('customer', context, ({ fullyQualifiedName, displayName }) =>
      fullyQualifiedName === displayName ? null : fullyQualifiedName,
    ),
}

function documentColumns<Row extends ShownBill | ShownInvoice>(
  entity: 'bill' | 'invoice',
  context: PageContext,
  partyOf: (row: Row) => Child,
): Column<Row>[] {
  return [
    {
      label: 'Number',
      sort: 'docNumber',
      cell: (row) => link(row, entity, recordName(row), context),
    },
    { label: entity === 'bill' ? 'Vendor' : 'Customer', sort: 'counterparty', cell: partyOf },
    { label: 'Date', sort: 'txnDate', folds: true, cell: ({ txnDate }) => day(txnDate) },
    { label: 'Due', sort: 'dueDate', folds: true, cell: ({ dueDate }) => day(dueDate) },
    { label: 'Status', cell: ({ status }) => documentStatus(status) },
    {
      label: 'Total',
      sort: 'totalAmount',
      isNumber: true,
      folds: true,
      cell: ({ totalAmount, currency }) => money(totalAmount, currency),
    },
    {
      label: 'Open',
      sort: 'balance',
      isNumber: true,
      cell: ({ balance, currency }) => money(balance, currency),
    },
    changedColumn(context),
  ]
}

function partyColumns<Row extends ShownVendor | ShownCustomer>(
  entity: 'vendor' | 'customer',
  context: PageContext,
  alsoOf: (row: Row) => Child,
): Column<Row>[] {
  return [
    { label: 'Name', sort: 'counterparty', cell: (row) => link(row, entity, recordName(row), context) },
    { label: entity === 'vendor' ? 'Company' : 'Full name', folds: true, cell: alsoOf },
    { label: 'Currency', cell: ({ currency }) => currency },
    { label: 'Active', folds: true, cell: ({ active }) => (active ? 'yes' : 'no') },
    {
      label: 'Documents',
      cell: ({ realmId, qboId }) =>
        html`<a
          href="${linkTo(context.address, `/console/companies/${realmId}/${entity === 'vendor' ? 'bills' : 'invoices'}`, { counterpartyId: qboId })}"
          >${entity === 'vendor' ? 'Bills' : 'Invoices'}</a
        >`,
    },
    changedColumn(context),
  ]
}

function changedColumn(context: PageContext): Column<ShownRecord> {
  return {
    label: 'Changed',
    sort: 'changed',
    folds: true,
    cell: ({ validFrom, rejectedSince }) =>
      html`${ago(validFrom, context)}${rejectedSince !== null && html` <span class="flag act">rejected</span>`}`,
  }
}

function link(
  { realmId, qboId }: ShownRecord,
  entity: Entity,
  words: string,
  { address }: PageContext,
): Markup {
  return html`<a href="${linkTo(address, recordPath(realmId, entity, qboId))}">${words}</a>`
}
