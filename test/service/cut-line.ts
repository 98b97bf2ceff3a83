import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** The line to a Postgres, which breaks at a certain word: whoever says it finds the server gone. */
export interface CutLine {
  /** The address of the database through this line. */
  readonly url: string
  /** From now on the line breaks as soon as a client says this, and stays broken. */
  cutAt(words: string): void
  /** Whether the words were said. */
  isCut(): boolean
  mend(): Promise<void>
  close(): Promise<void>
}

export async function openCutLine(databaseUrl: string): Promise<CutLine> {
  const postgres = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let words: string | null = null
  let cut = false
  const server = createServer((client) => {
    const upstream = connect(Number(postgres.port), postgres.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (bytes) => {
      if (words !== null && bytes.includes(words)) breakOff()
      else upstream.write(bytes)
    })
    upstream.pipe(client)
  })
  /** As when the server's machine is gone: connections end, and nobody listens. */
  function breakOff(): void {
    words = null
    cut = true
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.toString(),
    cutAt(said) {
      words = said
      cut = false
    },
    isCut: () => cut,
    async mend() {
      await once(server.listen(port, '127.0.0.1'), 'listening')
    },
    async close() {
      if (server.listening) server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
