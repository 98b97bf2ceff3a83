import type { Express } from 'express'

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> }
  readonly handle: { readonly stack?: readonly Layer[] }
}

/** Every address of the pages, as the routers themselves list them, so that none can be forgotten in a test. */
export function pathsOf(app: Express, method: 'get' | 'post'): string[] {
  const walk = (layers: readonly Layer[]): string[] =>
    layers.flatMap(({ route, handle }) =>
      route ? (route.methods[method] === true ? [route.path] : []) : walk(handle.stack ?? []),
    )
  const { stack } = app.router as unknown as { stack: readonly Layer[] }
  return [...new Set(walk(stack))].filter((path) => /^\/console|^\/admin\/queues|^\/logout/.test(path))
}

/** The address of a page of the first company, or of its first record. */
export function addressOf(path: string): string {
  return path.replaceAll(/:\w+/g, '1').replaceAll(/[{}]|\*\w+/g, '')
}
