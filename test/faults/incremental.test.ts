import { describeHours } from './one-company.ts'

describeHours('incremental', '4620816332')
