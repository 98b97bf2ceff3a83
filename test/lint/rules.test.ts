import { afterAll, describe, expect, test } from '@jest/globals'
import { startLint } from './start-lint.ts'

/** A deliberate violation, and its legitimate counterpart: the same thing done as it should be, or where it may be. */
interface Case {
  readonly name: string
  /** Null for what the lint says of its own directives. */
  readonly rule: string | null
  readonly bad: string
  readonly good: string
  readonly path?: string
  readonly goodPath?: string
}

const CASES: Case[] = [
  {
    name: 'a promise that nobody waits for',
    rule: '@typescript-eslint/no-floating-promises',
    bad: `export function start(save: () => Promise<void>): void { save() }`,
    good: `export async function start(save: () => Promise<void>): Promise<void> { await save() }`,
  },
  {
    name: 'a switch that misses a member of the union',
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    bad: `export function say(word: 'yes' | 'no'): number { switch (word) { case 'yes': return 1 } return 0 }`,
    good: `export function say(word: 'yes' | 'no'): number { switch (word) { case 'yes': return 1; case 'no': return 0 } }`,
  },
  {
    name: 'a switch whose default would hide the next member of the union',
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    bad: `export function say(word: 'yes' | 'no'): number { switch (word) { case 'yes': return 1; default: return 0 } }`,
    good: `export function say(word: string): number { switch (word) { case 'yes': return 1; default: return 0 } }`,
  },
  {
    name: 'a default beside every member of the union, waiting for the next one',
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    bad: `export function say(word: 'yes'): number { switch (word) { case 'yes': return 1; default: return 0 } }`,
    good: `export function say(word: 'yes'): number { switch (word) { case 'yes': return 1 } }`,
  },
  {
    name: 'a switch over any text that says nothing of the rest',
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    bad: `export function say(word: string): number { switch (word) { case 'yes': return 1 } return 0 }`,
    good: `export function say(word: string): number { switch (word) { case 'yes': return 1; default: return 0 } }`,
  },
  {
    name: 'a switch over the error codes that misses some',
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    bad: `import type { ErrorCode } from '../domain/ledger-error.ts'
      export function status(code: ErrorCode): number { switch (code) { case 'throttled': return 503 } return 500 }`,
    good: `import type { ErrorCode } from '../domain/ledger-error.ts'
      export function status(code: ErrorCode): number { return code === 'throttled' ? 503 : 500 }`,
  },
  {
    name: 'a type imported as if it were a value',
    rule: '@typescript-eslint/consistent-type-imports',
    bad: `import { Clock } from '../db/clock.ts'
      export const hour = (clock: Clock): number => clock.now().getUTCHours()`,
    good: `import type { Clock } from '../db/clock.ts'
      export const hour = (clock: Clock): number => clock.now().getUTCHours()`,
  },
  {
    name: 'any',
    rule: '@typescript-eslint/no-explicit-any',
    bad: `export const show = (value: any): string => String(value)`,
    good: `export const show = (value: number): string => String(value)`,
  },
  {
    name: 'a compiler error told to be silent',
    rule: '@typescript-eslint/ban-ts-comment',
    bad: `// @ts-ignore\nexport const one: number = 1`,
    good: `export const one: number = 1`,
  },
  {
    name: 'Date.now',
    rule: 'no-restricted-properties',
    bad: `export const now = (): number => Date.now()`,
    good: `export const now = (clock: { now(): Date }): number => clock.now().getTime()`,
  },
  {
    name: 'new Date() of now',
    rule: 'no-restricted-syntax',
    bad: `export const now = (): Date => new Date()`,
    good: `export const at = (text: string): Date => new Date(text)`,
  },
  {
    name: 'new Date() of now, outside the clock',
    rule: 'no-restricted-syntax',
    bad: `export const now = (): Date => new Date()`,
    good: `export const now = (): Date => new Date()`,
    goodPath: 'src/db/clock.ts',
  },
  {
    name: 'Date() of now',
    rule: 'no-restricted-syntax',
    bad: `export const now = (): string => Date()`,
    good: `export const at = (text: string): string => new Date(text).toISOString()`,
  },
  {
    name: 'performance.now, outside the clock',
    rule: 'no-restricted-properties',
    bad: `export const now = (): number => performance.now()`,
    good: `export const now = (): number => performance.now()`,
    goodPath: 'src/db/clock.ts',
  },
  {
    name: 'process.hrtime',
    rule: 'no-restricted-properties',
    bad: `export const now = (): bigint => process.hrtime.bigint()`,
    good: `export const uptime = (): number => process.uptime()`,
  },
  {
    name: 'the clock taken from a module',
    rule: 'no-restricted-imports',
    bad: `import { performance } from 'node:perf_hooks'\nexport const now = (): number => performance.timeOrigin`,
    good: `import { setTimeout } from 'node:timers/promises'\nexport const wait = (): Promise<void> => setTimeout(1)`,
  },
  {
    name: 'the machine clock in a file of the simulator, its main aside',
    rule: 'no-restricted-properties',
    path: 'src/sandbox/pretend.ts',
    bad: `export const now = (): number => Date.now()`,
    good: `export const now = (): number => Date.now()`,
    goodPath: 'src/sandbox/main.ts',
  },
  {
    name: 'the clock in the settings, which may read the environment and nothing more',
    rule: 'no-restricted-properties',
    path: 'src/config.ts',
    bad: `export const now = (): number => Date.now()`,
    good: `export const port = (): string | undefined => process.env.PORT`,
    goodPath: 'src/config.ts',
  },
  {
    name: 'Math.random, outside the file that puts the service together',
    rule: 'no-restricted-properties',
    bad: `export const spread = (): number => Math.random()`,
    good: `export const spread = (): number => Math.random()`,
    goodPath: 'src/app.ts',
  },
  {
    name: 'process.env, outside the settings',
    rule: 'no-restricted-properties',
    bad: `export const port = (): string | undefined => process.env.PORT`,
    good: `export const port = (): string | undefined => process.env.PORT`,
    goodPath: 'src/sandbox/main.ts',
  },
  {
    name: 'process.env taken apart',
    rule: 'no-restricted-properties',
    bad: `export function port(): string | undefined { const { env } = process; return env.PORT }`,
    good: `export function port(): string { const { pid } = process; return String(pid) }`,
  },
  {
    name: 'process.env taken from a module',
    rule: 'no-restricted-imports',
    bad: `import { env } from 'node:process'\nexport const port = (): string | undefined => env.PORT`,
    good: `import { hostname } from 'node:os'\nexport const port = (): string => hostname()`,
  },
  {
    name: 'process.env in the service, not in a test',
    rule: 'no-restricted-properties',
    bad: `export const port = (): string | undefined => process.env.PORT`,
    good: `export const port = (): string | undefined => process.env.PORT`,
    goodPath: 'test/sync/pretend.ts',
  },
  {
    name: 'console, outside programs that a person starts',
    rule: 'no-console',
    bad: `export const say = (): void => { console.log('yes') }`,
    good: `export const say = (): void => { console.log('yes') }`,
    goodPath: 'src/main.ts',
  },
  {
    name: 'a promise returned past the catch around it',
    rule: '@typescript-eslint/return-await',
    bad: `export async function read(get: () => Promise<number>): Promise<number> { try { return get() } catch { return 0 } }`,
    good: `export async function read(get: () => Promise<number>): Promise<number> { try { return await get() } catch { return 0 } }`,
  },
  {
    name: 'a thrown value taken for an Error',
    rule: '@typescript-eslint/use-unknown-in-catch-callback-variable',
    bad: `export const read = (get: Promise<string>): Promise<string> => get.catch((error: Error) => error.message)`,
    good: `export const read = (get: Promise<string>): Promise<string> => get.catch((error: unknown) => String(error))`,
  },
  {
    name: 'what its makers have given up',
    rule: '@typescript-eslint/no-deprecated',
    bad: `export const cut = (text: string): string => text.substr(1)`,
    good: `export const cut = (text: string): string => text.slice(1)`,
  },
  {
    name: 'a rule switched off for nothing',
    rule: null,
    bad: `// eslint-disable-next-line no-console\nexport const one = 1`,
    good: `export const one = 1`,
  },
]

describe('the lint', () => {
  const { lintText, stop } = startLint()

  afterAll(stop)

  test.each(CASES)('refuses $name', async ({ rule, bad, good, path = 'src/sync/pretend.ts', goodPath }) => {
    expect((await lintText(path, bad)).map((complaint) => complaint.rule)).toContain(rule)
    expect(await lintText(goodPath ?? path, good)).toEqual([])
  })
})
