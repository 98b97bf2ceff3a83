import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Workplace } from '../setup/workplace.ts'

export interface Service {
  readonly process: ChildProcess
  readonly url: string
  readonly adminToken: string
  readonly databaseUrl: string
  readonly simulatorUrl: string
  readonly clusterDirectory: string
  /** What the process has written so far. */
  output(): string
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body?: unknown): Promise<Answer>
  /** Sends a signal and gives the exit code; null when the signal killed it. */
  end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/** A process of the service, whatever becomes of it. */
export interface ServiceProcess {
  readonly process: ChildProcess
  /** What it has written so far, to standard output and to standard error. */
  output(): string
  /** The exit code, when everything it wrote has been read; null when a signal killed it. */
  readonly ended: Promise<number | null>
  /** Waits until it has written this; throws when it ends instead. */
  untilSaid(text: string): Promise<void>
}

/** What a start takes of the project. */
export const PARTS = ['src', 'migrations', 'seeds', 'package.json']

/** Starts the service as `npm start` does and waits until it says that it runs. */
export async function startService(workplace: Workplace, env: Record<string, string> = {}): Promise<Service> {
  const { process: child, output, ended, untilSaid } = launchService(workplace, env)
  await untilSaid('Ctrl-C stops')
  const said = (label: string) => new RegExp(`${label}: (\\S+)`).exec(output())?.[1] ?? ''
  // The address printed signs a browser in; its path is of no use to these tests.
  const url = new URL(said('Open')).origin
  const adminToken = said('Admin token')
  const request = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Answer
  }
  return {
    process: child,
    url,
    adminToken,
    databaseUrl: said('Postgres'),
    simulatorUrl: said('QuickBooks simulator').replace(/\/sandbox$/, ''),
    clusterDirectory: said('Its cluster'),
    output,
    get: (path) => request('GET', path),
    post: (path, body) => request('POST', path, body),
    async end(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** Starts the service where it is expected to end by itself. */
export async function startInVain(
  workplace: Workplace,
  env: Record<string, string> = {},
): Promise<{ exitCode: number | null; output: string }> {
  const { output, ended } = launchService(workplace, env)
  return { exitCode: await ended, output: output() }
}

/** Starts a process of the service and waits for nothing. */
export function launchService(workplace: Workplace, env: Record<string, string>): ServiceProcess {
  const child = spawn(process.execPath, ['--import', './src/node-version.js', 'src/main.ts'], {
    cwd: workplace.directory,
    env: { PATH: process.env['PATH'], PORT: '0', LOG_LEVEL: 'debug', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let written = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (written += text))
  }
  const ended = once(child, 'close').then(([exitCode]) => exitCode as number | null)
  return {
    process: child,
    output: () => written,
    ended,
    untilSaid: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (written.includes(text)) resolve()
        }
        for (const stream of [child.stdout, child.stderr]) stream.on('data', look)
        void ended.then(() => reject(new Error(`the service ended before it said "${text}":\n${written}`)))
        look()
      }),
  }
}
