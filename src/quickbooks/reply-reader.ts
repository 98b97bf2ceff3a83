import { Worker } from 'node:worker_threads'

import pLimit from 'p-limit'

import { LedgerError } from '../domain/ledger-error.ts'
import { intuitTidOf, type Reply } from './answer.ts'
import type { FaultContext } from './fault.ts'
import { unpackError, unpackReading, type Done, type Task } from './thread-message.ts'
import { readReply, type Reading, type Wanted } from './read-reply.ts'

/** Reads answers: small ones at once, others in a separate thread, one at a time. */
export interface ReplyReader {
  /** @throws LedgerError as readReply does; `unavailable`, too heavy, when the thread did not survive the answer */
  read(reply: Reply, wanted: Wanted, context: FaultContext): Promise<Reading>
  /** Ends the thread; whatever it was reading becomes `unavailable`. */
  close(): void
}

// About 30 ms on the thread that also answers HTTP.
const INLINE_BYTES = 250_000
// A safety net: the heaviest answer we receive takes 100 MB, or 400 if it holds nothing but numbers. It is generous,
// because a thread that reaches the limit inside one JSON.parse may end the whole process.
const THREAD_HEAP_MB = 1_024

export function createReplyReader(): ReplyReader {
  const oneByOne = pLimit(1)
  let thread: Worker | null = null
  const closing = new AbortController()
  const readThere = async (task: Task): Promise<Reading> => {
    if (closing.signal.aborted) throw givenUp()
    thread ??= startThread(() => {
      thread = null
    })
    const done = await askThread(thread, task)
    if (closing.signal.aborted) throw givenUp()
    if (done === null) throw tooMuchFor(task.reply)
    if ('error' in done) throw unpackError(done.error)
    return unpackReading(done.reading)
  }
  return {
    read: async (reply, wanted, context) =>
      reply.bytes.byteLength <= INLINE_BYTES
        ? readReply(reply, wanted, context)
        : await oneByOne(() => readThere({ reply, wanted, context })),
    close() {
      closing.abort()
      void thread?.terminate()
    },
  }
}

function startThread(onEnd: () => void): Worker {
  const thread = new Worker(new URL('./reply-thread.ts', import.meta.url), {
    // The process's flags are meant for its main thread.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
  })
  // Between answers it does not keep the process alive.
  thread.unref()
  // An error ends the thread; we listen for the exit.
  thread.on('error', () => undefined)
  thread.once('exit', onEnd)
  return thread
}

/** @returns null when the thread ended before it answered. */
async function askThread(thread: Worker, task: Task): Promise<Done | null> {
  const { promise, resolve } = Promise.withResolvers<Done | null>()
  const onEnd = () => resolve(null)
  thread.ref()
  thread.once('message', resolve)
  thread.once('exit', onEnd)
  thread.postMessage(task, [task.reply.bytes.buffer])
  const done = await promise
  thread.off('message', resolve)
  thread.off('exit', onEnd)
  thread.unref()
  return done
}

function givenUp(): LedgerError {
  return new LedgerError('unavailable', 'reading an answer of QuickBooks was aborted')
}

function tooMuchFor({ status, headers }: Reply): LedgerError {
  return new LedgerError('unavailable', 'an answer of QuickBooks was too large to be read at once', {
    details: { intuitTid: intuitTidOf({ headers }), httpStatus: status, fewerMayDo: 'heavy' },
  })
}
