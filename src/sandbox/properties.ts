import { parseMoment } from './pacific-time.ts'
import type { Entry } from './shelf.ts'
import type { EntityName } from './wire.ts'

/** What a property of a record compares as: numbers and moments as numbers, the rest as text. */
export type Comparable = string | number | boolean | null

export interface Property {
  name: string
  sortable: boolean
  of(entry: Entry): Comparable
  /** A literal of a query as the same kind of value; null when it is none. */
  parse(literal: string): Comparable
}

/** All properties that a query may name on that entity, by lower-case name. */
export function propertiesOf(entity: EntityName): ReadonlyMap<string, Property> {
  return PROPERTIES[entity]
}

const COMMON: Property[] = [
  { name: 'Id', sortable: true, of: (entry) => entry.order, parse: numberOf },
  { name: 'MetaData.CreateTime', sortable: true, of: (entry) => entry.createdMs, parse: parseMoment },
  { name: 'MetaData.LastUpdatedTime', sortable: true, of: (entry) => entry.updatedMs, parse: parseMoment },
]
const ACTIVE: Property = { name: 'Active', sortable: true, of: (entry) => entry.active, parse: booleanOf }
const DOCUMENT = [text('TxnDate'), text('DueDate'), text('DocNumber'), number('TotalAmt')]
/** Filterable but not sortable on bills, as the entity reference says; invoices are taken to be the same. */
const BALANCE = { ...number('Balance'), sortable: false }

const PROPERTIES: Record<EntityName, ReadonlyMap<string, Property>> = {
  Bill: byName([...COMMON, ...DOCUMENT, BALANCE]),
  Invoice: byName([...COMMON, ...DOCUMENT, BALANCE]),
  Payment: byName([...COMMON, text('TxnDate'), number('TotalAmt')]),
  BillPayment: byName([...COMMON, text('TxnDate'), text('DocNumber'), number('TotalAmt')]),
  Account: byName([
    ...COMMON,
    ACTIVE,
    text('Name'),
    text('FullyQualifiedName'),
    text('AccountType'),
    number('CurrentBalance'),
  ]),
  Vendor: byName([...COMMON, ACTIVE, text('DisplayName'), number('Balance')]),
  Customer: byName([...COMMON, ACTIVE, text('DisplayName'), text('FullyQualifiedName'), number('Balance')]),
}

function byName(properties: Property[]): ReadonlyMap<string, Property> {
  return new Map(properties.map((property) => [property.name.toLowerCase(), property]))
}

function text(name: string): Property {
  return { name, sortable: true, of: (entry) => fieldsOf(entry)[name] ?? null, parse: (literal) => literal }
}

function number(name: string): Property {
  const of = (entry: Entry) => numberOf(String(fieldsOf(entry)[name]))
  return { name, sortable: true, of, parse: numberOf }
}

function numberOf(literal: string): number | null {
  const value = Number(literal)
  return literal === '' || Number.isNaN(value) ? null : value
}

function booleanOf(literal: string): boolean | null {
  return literal === 'true' ? true : literal === 'false' ? false : null
}

type Fields = Record<string, string>

const PLAIN = [
  'TxnDate',
  'DueDate',
  'DocNumber',
  'TotalAmt',
  'Balance',
  'Name',
  'FullyQualifiedName',
  'AccountType',
  'CurrentBalance',
  'DisplayName',
]
const known = new WeakMap<Entry, Fields>()

/** Top-level values of a record, parsed once for each version of it. */
function fieldsOf(entry: Entry): Fields {
  const cached = known.get(entry)
  if (cached) return cached
  const record = JSON.parse(entry.text) as Record<string, unknown>
  const pairs = PLAIN.filter((name) => record[name] !== undefined).map(
    (name) => [name, String(record[name])] as const,
  )
  const fields: Fields = Object.fromEntries(pairs)
  known.set(entry, fields)
  return fields
}
