import { createServer, request as askOnward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands between the service and Intuit and keeps every token that passes. */
export interface RecordingProxy {
  readonly url: string
  /** Every access and refresh token that was given out or shown. */
  readonly tokens: ReadonlySet<string>
  /** While on, each answer is a refusal that repeats what the request held, as gateways and proxies do. */
  repeatRequests(on: boolean): void
  stop(): Promise<void>
}

export async function startRecordingProxy(onwardUrl: string): Promise<RecordingProxy> {
  const tokens = new Set<string>()
  let isRepeating = false
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      noteShown(tokens, request, body)
      if (isRepeating) repeat(request, body, response)
      else passOn(onwardUrl, { request, body, response }, (answer) => noteGiven(tokens, answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens,
    repeatRequests: (on) => (isRepeating = on),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly body: string
  readonly response: ServerResponse
}

/** Breaks off where the other side does: a fault of the wire reaches the service as one. */
function passOn(
  onwardUrl: string,
  { request, body, response }: Exchange,
  note: (answer: string) => void,
): void {
  const { method, headers, url = '/' } = request
  const onward = askOnward(`${onwardUrl}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    let text = ''
    answer.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      response.write(chunk)
    })
    answer.once('end', () => {
      note(text)
      response.end()
    })
    answer.once('error', () => response.destroy())
  })
  onward.once('error', () => response.socket?.resetAndDestroy())
  onward.end(body)
}

function repeat({ headers, url }: IncomingMessage, body: string, response: ServerResponse): void {
  const bare = headers.authorization?.split(' ')[1] ?? ''
  // First without the words by which a secret is told from other text.
  const said = `${bare} ${formValue(body)} ${headers.authorization ?? ''} ${body}`
  const isToken = url?.includes('oauth2') ?? false
  const answer = isToken
    ? { error: 'invalid_grant', error_description: said }
    : { Fault: { Error: [{ Message: said, Detail: said, code: '10000' }], type: 'SystemFault' } }
  response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function noteGiven(tokens: Set<string>, answer: string): void {
  for (const [, token = ''] of answer.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g)) tokens.add(token)
}

function noteShown(tokens: Set<string>, { headers }: IncomingMessage, body: string): void {
  const shown = [/^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1], formValue(body)]
  for (const token of shown) if (token) tokens.add(token)
}

function formValue(body: string): string {
  return new URLSearchParams(body).get('refresh_token') ?? ''
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
