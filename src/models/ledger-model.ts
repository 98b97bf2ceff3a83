import { Model, snakeCaseMappers, type ColumnNameMappers } from 'objection'

/** Ground of every model: camelCase here, snake_case in Postgres. */
export class LedgerModel extends Model {
  static override get columnNameMappers(): ColumnNameMappers {
    return snakeCaseMappers()
  }
}
