import { pacificMillisecond } from './pacific-time.ts'

/** What goes over the wire, before any trouble on the way. */
export interface Answer {
  status: number
  contentType: string
  body: string
  headers?: Record<string, string>
}

const JSON_TYPE = 'application/json;charset=UTF-8'

/** JSON text with the envelope's `time`, the moment at which the request was taken up. */
export function enveloped(status: number, inner: string, atMs: number): Answer {
  return jsonAnswer(status, `{${inner},"time":"${pacificMillisecond(atMs)}"}`)
}

export function jsonAnswer(status: number, body: string): Answer {
  return { status, contentType: JSON_TYPE, body }
}

export type FaultType =
  'ValidationFault' | 'SystemFault' | 'AuthenticationFault' | 'AuthorizatonFault' | 'SERVICE'

export interface FaultText {
  type: FaultType
  code: string
  message: string
  detail: string
}

/** The capitalised family, of 400 and 500 and of faults inside a 200. */
export function serviceFault(status: number, fault: FaultText, atMs: number): Answer {
  return enveloped(status, faultMember(fault), atMs)
}

/** `"Fault":{…}`, as it also stands inside a QueryResponse. */
export function faultMember({ type, code, message, detail }: FaultText): string {
  const error = { Message: message, Detail: detail, code, element: '' }
  return `"Fault":${JSON.stringify({ Error: [error], type })}`
}

/** The lower-case family of the gateway, with its time as a number. */
export function gatewayFault(
  status: number,
  fault: {
    type: 'AUTHENTICATION' | 'AUTHORIZATION' | 'SERVICE'
    code: string
    message: string
    detail: string
  },
  atMs: number,
): Answer {
  const { type, code, message, detail } = fault
  const body = {
    warnings: null,
    intuitObject: null,
    fault: { error: [{ message, detail, code, element: null }], type },
    report: null,
    queryResponse: null,
    batchItemResponse: [],
    attachableResponse: [],
    syncErrorResponse: null,
    requestId: null,
    time: atMs,
    status: null,
    cdcresponse: [],
  }
  return jsonAnswer(status, JSON.stringify(body))
}

/** A refusal that code throws and the edge sends. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super(answer.body)
    this.answer = answer
  }
}
