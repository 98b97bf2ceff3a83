import type { IRouter, RequestHandler } from 'express'
import { sendProblem } from '../problem/errors.ts'
import { refusal } from '../problem/problem.ts'

type Method = 'get' | 'post' | 'put' | 'patch'

/** Adds a path with its methods; any other method is answered with the list of allowed ones. */
export function addRoute(
  router: IRouter,
  path: string,
  handlers: Readonly<Partial<Record<Method, RequestHandler>>>,
): void {
  const route = router.route(path)
  for (const [method, handler] of Object.entries(handlers)) route[method as Method](handler)
  route.all(refuseOtherMethods(Object.keys(handlers) as Method[]))
}

function refuseOtherMethods(methods: readonly Method[]): RequestHandler {
  const allowed = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
  const headers = { Allow: [...allowed, 'OPTIONS'].join(', ') }
  return (request, response) => {
    if (request.method === 'OPTIONS') response.status(204).set(headers).end()
    else sendProblem(response, refusal(405, `${request.method} is not possible here`, headers))
  }
}
