import { Model, type ColumnNameMappers } from 'objection'

/** Base of every model: camelCase here, snake_case in Postgres. */
export class LedgerModel extends Model {
  static override get columnNameMappers(): ColumnNameMappers {
    return NAMES
  }
}

/** `failuresInARow` as `failures_in_a_row`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

// Not Objection's own mappers: they write `failures_in_arow`.
const NAMES: ColumnNameMappers = {
  parse: (row) => renamed(row, camelCase),
  format: (fields) => renamed(fields, snakeCase),
}

function renamed(fields: object, rename: (name: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [rename(name), value]))
}
