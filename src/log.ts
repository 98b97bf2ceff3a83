import type { Writable } from 'node:stream'
import winston, { type Logger } from 'winston'

export type { Logger }

export interface LogOptions {
  readonly level: string
  readonly format: 'json' | 'pretty'
  /** Values that must never appear, wherever they come from: they are removed from the finished line. */
  readonly secrets: () => readonly string[]
  /** Whether somebody tells of this error already: an entry about it would only repeat that. */
  readonly isTold?: (error: unknown) => boolean
  /** Standard output when absent. */
  readonly stream?: Writable
}

const REDACTED = '[redacted]'
const SECRET_KEY = /token|secret|authorization|password|ciphertext|cookie|verifier|encryptionkey/i
const BEARER = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/gi
const URL_PASSWORD = /(\/\/[^/\s:@]*:)[^@\s/]+@/g
// Secrets in a form, a query or a JSON body quoted inside a text.
const NAMED_TOKEN = /\b((?:access|refresh|id)_token|client_secret)(["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi

/**
 * The one logger. Redaction is part of it: by the name of a field, by the look of a value, and by the secrets that
 * the process knows.
 */
export function createLog(options: LogOptions): Logger {
  const { combine, timestamp, printf } = winston.format
  const line = options.format === 'json' ? jsonLine : prettyLine
  return winston.createLogger({
    level: options.level,
    format: combine(
      winston.format((info) =>
        info['error'] !== undefined && options.isTold?.(info['error']) ? false : info,
      )(),
      timestamp(),
      printf((info) => withoutSecrets(line(redacted(info) as LogFields), options.secrets())),
    ),
    transports: [
      options.stream
        ? new winston.transports.Stream({ stream: options.stream })
        : new winston.transports.Console({ forceConsole: false }),
    ],
  })
}

interface LogFields extends Record<string, unknown> {
  level: string
  message: string
  timestamp: string
}

function jsonLine(fields: LogFields): string {
  return JSON.stringify(fields)
}

/** For a person at a terminal: what happened, to whom, and the facts that are plain words; JSON has the rest. */
function prettyLine({ level, message, timestamp, company, realmId, ...facts }: LogFields): string {
  const whom = [company, company == null ? realmId : realmId && `(${text(realmId)})`].filter(
    (part) => part != null,
  )
  return [
    `${timestamp.slice(11, 19)} ${level.padEnd(5)} ${onOneLine(message)}`,
    ...(whom.length > 0 ? [`· ${onOneLine(whom.map(text).join(' '))}`] : []),
    ...Object.entries(facts).flatMap(([key, value]) => prettyFact(key, value, level)),
  ].join(' ')
}

function prettyFact(key: string, value: unknown, level: string): string[] {
  if (value === null || value === undefined) return []
  if (typeof value !== 'object' || value instanceof Date) return [`${key}=${prettyValue(text(value))}`]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return [`${key}=${prettyValue(value.join(', '))}`]
  }
  // Of an error that is no defect the message is enough.
  if (level === 'warn' && 'message' in value) return [`${key}=${prettyValue(text(value.message))}`]
  return level === 'info' ? [] : [`${key}=${JSON.stringify(value)}`]
}

function text(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value)
}

function prettyValue(value: string): string {
  return /^[\w.:/+-]+$/.test(value) ? value : JSON.stringify(value)
}

/** A text may quote another system: its line breaks must not fake a second entry, nor its escapes colour the terminal. */
function onOneLine(value: string): string {
  return value.replace(/\p{Cc}+/gu, ' ')
}

/** A copy that can be printed: errors as plain fields, secret fields blanked. Depth is bounded by MOST_LEVELS. */
function redacted(value: unknown, level = 0): unknown {
  if (typeof value === 'string') return withoutSecretLooks(value)
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Date) return value
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (level > MOST_LEVELS) return '[deeper]'
  if (value instanceof Error) return redacted(errorFields(value), level)
  if (Array.isArray(value)) return value.map((item) => redacted(item, level + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      SECRET_KEY.test(key) && typeof item !== 'number' ? REDACTED : redacted(item, level + 1),
    ]),
  )
}

function withoutSecretLooks(text: string): string {
  return text
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(URL_PASSWORD, `$1${REDACTED}@`)
    .replace(NAMED_TOKEN, `$1$2${REDACTED}`)
}

// Deep enough for an error's chain of causes and a run's report; a cycle ends here.
const MOST_LEVELS = 8

/** Only these fields of an error: libraries attach requests, headers included, to theirs. */
function errorFields(error: Error): Record<string, unknown> {
  const { code, details } = error as Error & { code?: unknown; details?: unknown }
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(details === undefined ? {} : { details }),
    stack: error.stack
      ?.split('\n')
      .slice(1, 9)
      .map((frame) => frame.trim()),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  }
}

/** Also as JSON writes a secret that contains a quote or a backslash. */
function withoutSecrets(line: string, secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .reduce((text, secret) => (secret === '' ? text : text.replaceAll(secret, REDACTED)), line)
}
