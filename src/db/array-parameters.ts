/**
 * Columns of values as parameters of a statement, in the binary form of Postgres' arrays: each element after its
 * length, so that neither side has to quote, escape or search for an end. `pg` sends a Buffer as that form; array_recv,
 * textrecv, jsonb_recv and timestamptz_recv in Postgres' sources define it.
 */

const TEXT_OID = 25
const TIMESTAMPTZ_OID = 1184
const JSONB_OID = 3802
const JSONB_VERSION = 1

/** For a parameter that is cast to `text[]`. */
export function textArray(values: readonly (string | null)[]): Buffer {
  return arrayOf(TEXT_OID, values, Buffer.byteLength, (array, value, at) => array.write(value, at))
}

/** JSON texts, for a parameter that is cast to `jsonb[]`: Postgres parses them. */
export function jsonbArray(texts: readonly string[]): Buffer {
  const bytesOf = (text: string) => 1 + Buffer.byteLength(text)
  return arrayOf(JSONB_OID, texts, bytesOf, (array, text, at) => {
    array.writeUInt8(JSONB_VERSION, at)
    array.write(text, at + 1)
  })
}

const TIMESTAMP_BYTES = 8
// Postgres counts microseconds from the year 2000.
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1)
const MICROS_PER_MS = 1000
const TWO_TO_32 = 2 ** 32

/** For a parameter that is cast to `timestamptz[]`. */
export function timestamptzArray(values: readonly (Date | null)[]): Buffer {
  return arrayOf(
    TIMESTAMPTZ_OID,
    values,
    () => TIMESTAMP_BYTES,
    (array, value, at) => {
      // In two halves: a double cannot hold the microseconds of distant years exactly, and BigInt is slower.
      const ms = value.getTime() - POSTGRES_EPOCH_MS
      const highMs = Math.floor(ms / TWO_TO_32)
      const lowMicros = (ms - highMs * TWO_TO_32) * MICROS_PER_MS
      const carry = Math.floor(lowMicros / TWO_TO_32)
      array.writeInt32BE(highMs * MICROS_PER_MS + carry, at)
      array.writeUInt32BE(lowMicros - carry * TWO_TO_32, at + 4)
    },
  )
}

// Dimensions, whether there are nulls, the elements' type, how many, the first one's index: four bytes each.
const HEADER_BYTES = 20
const LENGTH_BYTES = 4
const NULL_LENGTH = -1

function arrayOf<Value>(
  oid: number,
  values: readonly (Value | null)[],
  bytesOf: (value: Value) => number,
  write: (array: Buffer, value: Value, at: number) => void,
): Buffer {
  const lengths = values.map((value) => (value === null ? NULL_LENGTH : bytesOf(value)))
  const bytes = lengths.reduce((sum, length) => sum + LENGTH_BYTES + Math.max(length, 0), HEADER_BYTES)
  const array = Buffer.allocUnsafe(bytes)
  let at = 0
  const hasNulls = lengths.includes(NULL_LENGTH) ? 1 : 0
  for (const number of [1, hasNulls, oid, values.length, 1]) at = array.writeInt32BE(number, at)
  for (const [index, value] of values.entries()) {
    const length = lengths[index]!
    at = array.writeInt32BE(length, at)
    if (value === null) continue
    write(array, value, at)
    at += length
  }
  return array
}
