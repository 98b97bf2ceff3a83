import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { openApi, type OpenApi } from '../../../src/http/reference/openapi.ts'
import { openConsole, textOf, type OpenConsole } from '../../console/open-console.ts'
import { fieldsOf } from '../answers.ts'
import { openHttp, type OpenHttp } from '../open-http.ts'

let http: OpenHttp
let pages: OpenConsole
let document: OpenApi

beforeAll(async () => {
  http = await openHttp()
  pages = await openConsole()
  document = (await request(http.app).get('/openapi.json').expect(200)).body
})

afterAll(async () => {
  await http.close()
  await pages.close()
})

function described(): string[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
}

/** As the router itself lists them, so that none can be forgotten. */
function routes(): string[] {
  const router = http.app.router as unknown as { listRoutes(): { path: string; methods: string[] }[] }
  return router
    .listRoutes()
    .flatMap(({ path, methods }) =>
      methods
        .filter((method) => method !== '*' && method !== 'HEAD')
        .map((method) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`),
    )
}

describe('the OpenAPI document', () => {
  test('has every route, and no other', () => {
    expect(described().sort()).toEqual(routes().sort())
  })

  test('is 3.1, and the same for everybody', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Ledger Mirror' } })
    expect(document).toEqual(
      JSON.parse(JSON.stringify(openApi((document as never as { info: { version: string } }).info.version))),
    )
  })

  test('names exactly the query parameters that each route knows', async () => {
    let lists = 0
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { parameters }] of Object.entries(methods)) {
        if (['/metrics', '/healthz', '/readyz'].includes(path)) continue
        const address = path.replace('{entity}', 'bill').replaceAll(/\{\w+\}/g, '1')
        const answer = await http.send(method as 'get', `${address}?unheardOf=1`)
        expect([method, path, answer.status]).toEqual([method, path, 400])
        expect(fieldsOf(answer)).toEqual(['unheardOf'])
        const known = /known fields are (.*)$/
          .exec((answer.body as { detail: string }).detail)?.[1]
          ?.split(', ')
        expect([path, known ?? []]).toEqual([
          path,
          parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
        ])
        if (known) lists++
      }
    }
    expect(lists).toBeGreaterThan(20)
  })

  test('says what a parameter takes', () => {
    const parameters = document.paths['/admin/companies']!['get']!.parameters
    expect(parameters.find(({ name }) => name === 'status')).toMatchObject({
      in: 'query',
      required: false,
      schema: { type: 'string', enum: expect.arrayContaining(['paused']) },
    })
    const { requestBody } = document.paths['/admin/companies/{realmId}']!['put']!
    expect(requestBody?.content['application/json']).toMatchObject({
      schema: { required: ['refreshToken'], additionalProperties: false },
    })
  })
})

describe('/docs', () => {
  test('shows every route to somebody without a token', async () => {
    const { text } = await request(pages.app).get('/docs').expect(200)
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods)) {
        expect(textOf(text)).toContain(`${method.toUpperCase()} ${path}`)
      }
    }
  })

  test('takes nothing from another host and writes no script or style into the page', async () => {
    const { text, headers } = await request(pages.app).get('/docs').expect(200)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
    expect(text).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=/)
  })
})
