import type { Readable } from 'node:stream'

export interface Receiving {
  /** Waits for a turn before holding more than a light body. */
  readonly takeTurn: TakeTurn
  readonly mostBytes: number
}

export type TakeTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

// Answers for idle companies and most pages are this small: they wait for nobody.
const LIGHT_BYTES = 1_000_000

/**
 * Receives a body, counting its decompressed bytes, and hands it on. While a heavy one waits for its turn we do not
 * read from the socket, so the other side stops sending.
 *
 * @param handle gets null for a body over the limit: the rest of it is not received.
 */
export async function receiveBody<Result>(
  body: Readable,
  { takeTurn, mostBytes }: Receiving,
  handle: (bytes: Uint8Array<ArrayBuffer> | null) => Promise<Result>,
): Promise<Result> {
  const chunks: Uint8Array[] = []
  const reader = body.iterator({ destroyOnReturn: false })
  let bytes = 0
  const receive = async (most: number): Promise<'ended' | 'more'> => {
    while (bytes <= most) {
      const next = (await reader.next()) as IteratorResult<Uint8Array>
      if (next.done) return 'ended'
      chunks.push(next.value)
      bytes += next.value.byteLength
    }
    return 'more'
  }
  const finish = (): Promise<Result> => {
    const whole = joined(chunks, bytes)
    chunks.length = 0
    return handle(whole)
  }
  if ((await receive(LIGHT_BYTES)) === 'ended') return finish()
  return takeTurn(async () => {
    if ((await receive(mostBytes)) === 'ended') return finish()
    body.destroy()
    return handle(null)
  })
}

/** In its own buffer, which can be transferred to another thread without a copy. */
function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
