/** A mistake that somebody could make, as an edit of the source: the simulation must notice each of them. */
export interface Defect {
  readonly name: string
  /** Where the search begins: the history that showed it when this was written. */
  readonly firstSeed?: number
  readonly edits: readonly Edit[]
}

export interface Edit {
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
}

export const DEFECTS: readonly Defect[] = [
  {
    name: 'no overlap',
    firstSeed: 3,
    edits: [
      {
        file: 'src/sync/entity-state.ts',
        find: 'export const OVERLAP_MS = 5 * 60_000',
        replace: 'export const OVERLAP_MS = 0',
      },
    ],
  },
  {
    name: 'no stale check',
    firstSeed: 93,
    edits: [
      {
        file: 'src/domain/decide.ts',
        find: "if (!isLatestWord(reading, known.record) && isStale(change, known.record, reading)) return 'stale'",
        replace: '',
      },
      {
        // The statement asks again; either one alone would do.
        file: 'src/sync/write-records.ts',
        find: 'return `(:authoritative OR ',
        replace: 'return `(true OR :authoritative OR ',
      },
    ],
  },
  {
    name: 'last word left to a clock that was put back',
    firstSeed: 4,
    edits: [
      {
        file: 'src/domain/decide.ts',
        find: 'reading.observedAt >= reading.runBeganAt || reading.observedAt >= than.observedAt',
        replace: 'reading.observedAt >= than.observedAt',
      },
    ],
  },
  {
    name: 'answer of the past taken for a quiet quarter of an hour',
    firstSeed: 5,
    edits: [
      {
        file: 'src/sync/capture-changes.ts',
        find: '  refuseAnswerOfThePast(run, entities, startedAt)\n',
        replace: '',
      },
    ],
  },
  {
    name: 'watermark left ahead of a clock that was put back',
    firstSeed: 4,
    edits: [
      {
        file: 'src/sync/finish-run.ts',
        find: 'WHEN excluded.entity = ANY (:putBack) THEN',
        replace: 'WHEN excluded.entity = ANY (:putBack) AND false THEN',
      },
    ],
  },
  {
    name: 'tombstone forgotten',
    edits: [
      {
        file: 'src/domain/decide.ts',
        find: "return known.record.deleted ? 'unchanged' : 'deleted'",
        replace: "return 'unchanged'",
      },
    ],
  },
  {
    name: 'watermark from our clock',
    firstSeed: 5,
    edits: [
      {
        file: 'src/sync/capture-changes.ts',
        find: 'noteCaptured(run, entity, answer.observedAt)',
        replace: 'noteCaptured(run, entity, run.database.clock.now())',
      },
    ],
  },
  {
    name: 'watermark moved on overflow',
    edits: [
      {
        file: 'src/sync/capture-changes.ts',
        find: '    if (answer && !answer.overflow) return writeAnswer(run, entity, answer)\n    await',
        replace: '    if (answer) return writeAnswer(run, entity, answer)\n    await',
      },
    ],
  },
  {
    name: 'refresh saved after release',
    edits: [
      {
        file: 'src/connections/access-tokens.ts',
        find: '      await saveTokens(options, tx, asked, unsaved)\n      return tokens.accessToken\n    })',
        replace:
          '      const late = unsaved\n      void tx.trx.executionPromise.then(() => saveAgain(options, asked, late)).catch(() => undefined)\n      return tokens.accessToken\n    })',
      },
    ],
  },
  {
    name: 'no fencing',
    firstSeed: 2,
    edits: [
      {
        file: 'src/sync/fenced.ts',
        find: 'if (held.length === 0) {',
        replace: 'if (held.length < 0) {',
      },
    ],
  },
  {
    name: 'hash over noise',
    edits: [
      {
        file: 'src/quickbooks/content-hash.ts',
        find: "'domain', 'sparse', 'SyncToken', 'MetaData',",
        replace: "'domain', 'sparse',",
      },
    ],
  },
  {
    name: 'fault taken as empty page',
    firstSeed: 145,
    edits: [
      {
        file: 'src/quickbooks/find-fault.ts',
        find: '  return [body, ...groups, ...responses]',
        replace: '  return responses.length > 0 ? [] : [body]',
      },
      {
        file: 'src/quickbooks/envelope.ts',
        find: '    else if (!PAGE_FIELDS.has(name)) throw unexpected(answer, `a list under ${name}`)',
        replace: '',
      },
    ],
  },
  {
    name: 'deletes inferred from an unfinished listing',
    firstSeed: 37,
    edits: [
      {
        file: 'src/sync/settle-listing.ts',
        find: '    const { page, missing } = await run.reader.byIds(entity, unmet)',
        replace: '    const { page } = await run.reader.byIds(entity, unmet)\n    const missing = unmet',
      },
      {
        file: 'src/sync/delete-missing.ts',
        find: '  if (qboIds.length > live + rejected + unreadable - count) return false\n',
        replace: '',
      },
    ],
  },
  {
    name: 'request of a finished run forgotten',
    firstSeed: 3,
    edits: [
      {
        file: 'src/sync/finish-run.ts',
        find: 'RETURNING requested_seq > served_seq AS "askedAgain"',
        replace: 'RETURNING false AS "askedAgain"',
      },
    ],
  },
  {
    name: 'reject closed when a reading by id does not find its record',
    firstSeed: 9,
    edits: [
      {
        file: 'src/sync/keep-rejects.ts',
        find: 'SET attempts = t.attempts + 1,',
        replace: 'SET resolved_at = :now, attempts = t.attempts + 1,',
      },
    ],
  },
  {
    name: 'more deletes inferred than QuickBooks counts away',
    firstSeed: 2,
    edits: [
      {
        file: 'src/sync/delete-missing.ts',
        find: '  if (qboIds.length > live + rejected + unreadable - count) return false\n',
        replace: '',
      },
    ],
  },
  {
    name: 'refusal of old tokens held against newer ones',
    edits: [
      {
        file: 'src/connections/replaced.ts',
        find: 'return (stored?.mark ?? null) !== judged.connection',
        replace: 'return stored === null',
      },
    ],
  },
  {
    name: 'watermark moved by the failure of an entity',
    edits: [
      {
        file: 'src/sync/finish-run.ts',
        find: 'JSON.stringify([...run.watermarks].map(',
        replace:
          'JSON.stringify([...run.watermarks, ...[...run.troubles.keys()].map((one) => [one, run.firstAnswerAt ?? tx.now])].map(',
      },
    ],
  },
  {
    name: 'told tombstones of an overflow thrown away',
    firstSeed: 23,
    edits: [
      {
        file: 'src/sync/capture-changes.ts',
        find: 'answer?.pages.get(entity))\n    await captureEntity(',
        replace: 'undefined)\n    await captureEntity(',
      },
      {
        file: 'src/sync/capture-changes.ts',
        find: 'answer?.pages.get(entity))\n  const startedAt',
        replace: 'undefined)\n  const startedAt',
      },
    ],
  },
  {
    name: 'confirmation that reaches any number',
    firstSeed: 2,
    edits: [
      {
        file: 'src/sync/disappearance.ts',
        find: 'if (confirmed && vanished.missing <= confirmed.missing + FEW_RECORDS) return',
        replace: 'if (confirmed) return',
      },
    ],
  },
  {
    name: 'drift not counted',
    firstSeed: 2,
    edits: [
      {
        file: 'src/sync/apply-changes.ts',
        find: 'drifted: drift.length',
        replace: 'drifted: 0',
      },
    ],
  },
  {
    name: 'late pages asked for with as many rows again',
    edits: [
      {
        file: 'src/quickbooks/page-sizes.ts',
        find: 'const SHRINK = 4',
        replace: 'const SHRINK = 1',
      },
    ],
  },
]
