import type { BenchPostgres } from './bench-postgres.ts'

/** What a bench is given. */
export interface BenchContext {
  readonly postgres: BenchPostgres
  /** Tells how far it came: a bench takes minutes. */
  readonly say: (line: string) => void
  /** Where CPU profiles of service processes go; null: none are taken. */
  readonly profileDirectory: string | null
}

export interface Result {
  readonly what: string
  readonly value: string
  /** What the design asks for, where it does. */
  readonly aim?: string
}

/** What a bench found. Absolute figures stand beside ratios for orientation: they hold for one machine and one hour. */
export interface Report {
  readonly settings: readonly string[]
  readonly results: readonly Result[]
  /** Longer texts, such as plans. */
  readonly notes?: readonly string[]
  /** What must not be: with any of these the program fails. */
  readonly failures?: readonly string[]
}

export type Bench = (context: BenchContext) => Promise<Report>
