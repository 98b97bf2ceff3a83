import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { CompanyKeeper } from './company.ts'
import type { CompanyContents, CompanySpec, CompanyState, StoredChange } from './company-state.ts'
import type { Entry, Tombstone } from './shelf.ts'
import { orderOf } from './shelf.ts'
import { STORED } from './wire.ts'
import type { StoredName } from './wire.ts'

/**
 * One company in one file of lines: a header, then every change as it happened, each action closed by a commit
 * line. What stands after the last commit (a process that was killed in the middle of a line) does not count.
 * Fields are parted by tabs, which JSON text cannot hold, so that a start need not parse the records.
 */

export interface KeptCompany {
  spec: CompanySpec
  createdMs: number
  contents: CompanyContents
  keeper: CompanyFile
}

export interface CompanyFile extends CompanyKeeper {
  close(): void
}

/** A company that is not kept yet; its file appears, whole, with `begin`. */
export function newCompanyFile(path: string): CompanyFile {
  return fileAt(path, null)
}

/** Throws when the file is none of this kind. */
export function openCompanyFile(path: string): KeptCompany {
  const kept = readCompany(readFileSync(path))
  const fd = openSync(path, 'r+')
  ftruncateSync(fd, kept.committedBytes)
  closeSync(fd)
  const { spec, createdMs, contents } = kept
  if (kept.deadLines > kept.liveLines) rewrite(path, linesOf({ spec, createdMs }, contents))
  return { spec, createdMs, contents, keeper: fileAt(path, openSync(path, 'a')) }
}

function fileAt(path: string, opened: number | null): CompanyFile {
  let fd = opened
  const begin = (state: CompanyState) => {
    rewrite(path, linesOf(state, contentsOf(state)))
    fd = openSync(path, 'a')
  }
  const append = (changes: StoredChange[], state: CompanyState) => {
    if (fd !== null) writeFileSync(fd, `${changes.map(changeLine).join('')}${commitLine(state)}`)
  }
  const close = () => {
    if (fd !== null) closeSync(fd)
    fd = null
  }
  return { begin, append, close }
}

/** Through another file, so that there is a whole one at any moment. */
function rewrite(path: string, lines: Iterable<string>): void {
  const fd = openSync(`${path}.new`, 'w')
  for (const line of lines) writeFileSync(fd, line)
  closeSync(fd)
  renameSync(`${path}.new`, path)
}

/** Records a block: few, large writes. */
const LINES_A_BLOCK = 500

function* linesOf(
  header: { spec: CompanySpec; createdMs: number },
  contents: CompanyContents,
): Iterable<string> {
  yield `H\t${JSON.stringify({ spec: header.spec, createdMs: header.createdMs })}\n`
  let block: string[] = []
  for (const change of changesOf(contents)) {
    block.push(changeLine(change))
    if (block.length < LINES_A_BLOCK) continue
    yield block.join('')
    block = []
  }
  yield `${block.join('')}${commitLine(contents)}`
}

function contentsOf({ shelves, counters, revision }: CompanyState): CompanyContents {
  const entries = new Map(STORED.map((type) => [type, shelves[type].byId.items]))
  const tombstones = new Map(STORED.map((type) => [type, [...shelves[type].tombstones.values()]]))
  return { entries, tombstones, counters, revision }
}

function* changesOf({ entries, tombstones }: CompanyContents): Iterable<StoredChange> {
  for (const type of STORED) {
    for (const entry of entries.get(type) ?? []) yield { kind: 'put', type, entry }
    for (const tombstone of tombstones.get(type) ?? []) yield { kind: 'buried', type, tombstone }
  }
}

function changeLine(change: StoredChange): string {
  const { type } = change
  switch (change.kind) {
    case 'put': {
      const { id, createdMs, updatedMs, active, postings, text } = change.entry
      return `P\t${type}\t${id}\t${createdMs}\t${updatedMs}\t${active ? 1 : 0}\t${postings}\t${text}\n`
    }
    case 'gone':
      return `G\t${type}\t${change.id}\n`
    case 'buried':
      return `B\t${type}\t${change.tombstone.id}\t${change.tombstone.updatedMs}\t${change.tombstone.lastText ?? ''}\n`
    case 'unburied':
      return `U\t${type}\t${change.id}\n`
  }
}

function commitLine({ counters, revision }: Pick<CompanyContents, 'counters' | 'revision'>): string {
  return `C\t${revision}\t${JSON.stringify([...counters])}\n`
}

const NEWLINE = 10

interface Read {
  spec: CompanySpec
  createdMs: number
  contents: CompanyContents
  committedBytes: number
  liveLines: number
  deadLines: number
}

function readCompany(bytes: Buffer): Read {
  const header = JSON.parse(bytes.toString('utf8', 2, bytes.indexOf(NEWLINE))) as Pick<
    Read,
    'spec' | 'createdMs'
  >
  const entries = new Map(STORED.map((type) => [type, new Map<string, Entry>()]))
  const tombstones = new Map(STORED.map((type) => [type, new Map<string, Tombstone>()]))
  let committed: [revision: string, counters: string] = ['0', '[]']
  let committedBytes = 0
  let lines = 0
  let open: string[][] = []
  for (let from = bytes.indexOf(NEWLINE) + 1, to; (to = bytes.indexOf(NEWLINE, from)) >= 0; from = to + 1) {
    const fields = bytes.toString('utf8', from, to).split('\t')
    lines += 1
    if (fields[0] !== 'C') {
      open.push(fields)
      continue
    }
    for (const change of open) applyLine(change, entries, tombstones)
    open = []
    committed = [fields[1] ?? '0', fields[2] ?? '[]']
    committedBytes = to + 1
  }
  const liveLines = [...entries.values(), ...tombstones.values()].reduce((sum, map) => sum + map.size, 0)
  const contents: CompanyContents = {
    entries: valuesOf(entries),
    tombstones: valuesOf(tombstones),
    counters: JSON.parse(committed[1]) as [string, number][],
    revision: Number(committed[0]),
  }
  return { ...header, contents, committedBytes, liveLines, deadLines: lines - liveLines }
}

function valuesOf<T>(maps: Map<StoredName, Map<string, T>>): Map<StoredName, T[]> {
  return new Map([...maps].map(([type, map]) => [type, [...map.values()]]))
}

function applyLine(
  [kind, type = '', id = '', ...rest]: string[],
  entries: Map<StoredName, Map<string, Entry>>,
  tombstones: Map<StoredName, Map<string, Tombstone>>,
): void {
  const records = entries.get(type as StoredName)
  const graves = tombstones.get(type as StoredName)
  if (kind === 'P') records?.set(id, entryOf(id, rest))
  if (kind === 'G') records?.delete(id)
  if (kind === 'B') graves?.set(id, tombstoneOf(id, rest))
  if (kind === 'U') graves?.delete(id)
}

function entryOf(id: string, [created, updated, active, postings = '', text = '']: string[]): Entry {
  return {
    id,
    order: orderOf(id),
    createdMs: Number(created),
    updatedMs: Number(updated),
    active: active === '1',
    postings,
    text,
  }
}

function tombstoneOf(id: string, [updated, lastText = '']: string[]): Tombstone {
  return { id, order: orderOf(id), updatedMs: Number(updated), lastText: lastText === '' ? null : lastText }
}
