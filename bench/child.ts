import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A program of this folder in a process of its own, so that its memory and CPU time are its own. */
export interface Child {
  readonly pid: number
  /** Sends a message and waits for the answer: the programs here answer one at a time, in order. */
  ask<Answer>(question: object): Promise<Answer>
  stop(): Promise<void>
}

/** Resolves with what the program says first, when it is ready. */
export async function startChild<Ready>(
  file: string,
  options: {
    readonly args?: readonly string[]
    readonly nodeArgs?: readonly string[]
    readonly env?: NodeJS.ProcessEnv
  },
): Promise<{ child: Child; ready: Ready }> {
  const forked = fork(fileURLToPath(new URL(file, import.meta.url)), options.args ?? [], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    execArgv: [...(options.nodeArgs ?? [])],
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ready = (await nextMessage(forked)) as Ready
  return {
    ready,
    child: {
      pid: forked.pid ?? 0,
      async ask<Answer>(question: object) {
        const answer = nextMessage(forked)
        forked.send(question)
        return (await answer) as Answer
      },
      async stop() {
        if (forked.exitCode !== null || forked.signalCode !== null) return
        const ended = once(forked, 'exit')
        forked.kill('SIGTERM')
        await ended
      },
    },
  }
}

async function nextMessage(forked: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  const ended = once(forked, 'exit', { signal: over.signal }).then(([code]) => {
    throw new Error(`the program ended with ${String(code)}`)
  })
  ended.catch(() => undefined)
  try {
    const [message] = (await Promise.race([once(forked, 'message', { signal: over.signal }), ended])) as [
      unknown,
    ]
    return message
  } finally {
    over.abort()
  }
}
