import { parentPort } from 'node:worker_threads'

import { toLedgerError } from '../domain/ledger-error.ts'
import { packError, packReading, type Done, type Task } from './thread-message.ts'
import { readReply } from './read-reply.ts'

/** The reader thread: reads answers one after another, on request. */
parentPort?.on('message', ({ reply, wanted, context }: Task) => {
  parentPort?.postMessage(read())

  function read(): Done {
    try {
      return { reading: packReading(readReply(reply, wanted, context)) }
    } catch (error) {
      return { error: packError(toLedgerError(error)) }
    }
  }
})
