import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A script of this folder in a process of its own. */
export interface Child {
  readonly process: ChildProcess
  say(line: string): void
  /** The next line it writes; throws when it ends instead. */
  hear(): Promise<string>
  /** Kills it as a power cut would, and waits until it is gone. */
  kill(): Promise<void>
}

export function startChild(
  script: string,
  args: readonly string[],
  runAs?: { uid: number; gid: number },
): Child {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'], ...runAs })
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    process: child,
    say: (line) => child.stdin.write(`${line}\n`),
    hear: async () => {
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`${script} ended without another word`)
      return value
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
