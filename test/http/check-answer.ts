import type { Response } from 'supertest'
import type { Answer, Operation } from '../../src/http/reference/operations.ts'
import { operations } from '../../src/http/reference/operations.ts'

const FORMS = operations().map((operation) => ({ operation, form: formOf(operation.path) }))

/** The operation of the reference that a request meant; a fixed path goes before one with a parameter in its place. */
export function operationOf(method: string, address: string): Operation | undefined {
  const path = address.split('?')[0]!
  const met = FORMS.filter(({ operation, form }) => operation.method === method && form.test(path))
  return (met.find(({ operation }) => operation.path === path) ?? met[0])?.operation
}

/** @throws if an answer is not what the reference says of its operation. */
export function checkAnswer(method: string, address: string): (response: Response) => void {
  return ({ status, type, body }) => {
    const operation = operationOf(method, address)
    if (!operation || status >= 300 || type !== 'application/json') return
    const answer: Answer | undefined = operation.answers[status]
    const name = `${method.toUpperCase()} ${address} ${status}`
    if (!answer) throw new Error(`${name}: the reference does not know this status`)
    const checked = answer.schema?.safeParse(body)
    if (checked && !checked.success)
      throw new Error(`${name} is not as the reference says: ${checked.error.message}`)
  }
}

function formOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`)
}
