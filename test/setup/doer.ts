import type { Doer } from '../../src/connections/record-event.ts'

/** Who does things in tests. */
export const BY_TEST: Doer = { actor: 'a test', requestId: null }
