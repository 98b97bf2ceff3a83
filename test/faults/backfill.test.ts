import { describeHours } from './one-company.ts'

describeHours('backfill', '4620816331')
