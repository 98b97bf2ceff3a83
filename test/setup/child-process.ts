import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A script in a process of its own, spoken with line by line. */
export interface Child {
  readonly process: ChildProcess
  say(line: string): void
  /** The next line it writes; throws when it ends instead. */
  hear(): Promise<string>
  /** Kills it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>
}

export function startChild(script: URL, args: readonly string[] = []): Child {
  const file = fileURLToPath(script)
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    process: child,
    say: (line) => child.stdin.write(`${line}\n`),
    hear: async () => {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`${file} ended without another word`)
      return value
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
