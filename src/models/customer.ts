import { MirroredRecord } from './mirrored-record.ts'

/** A row of `customers`. */
export class Customer extends MirroredRecord {
  static override get tableName(): string {
    return 'customers'
  }

  declare displayName: string
  declare fullyQualifiedName: string | null
  declare parentId: string | null
  declare currency: string | null
  declare active: boolean
}
