import { MirroredRecord } from './mirrored-record.ts'

/** A row of `vendors`. */
export class Vendor extends MirroredRecord {
  static override get tableName(): string {
    return 'vendors'
  }

  declare displayName: string
  declare companyName: string | null
  declare currency: string | null
  declare active: boolean
}
