/**
 * What is mirrored, in the order in which a run takes it: the lists that name the parties come first, so that a
 * bill never waits for its vendor's name longer than the run that brings both.
 */
export const ENTITIES = ['vendor', 'customer', 'balance', 'bill', 'invoice'] as const

export type Entity = (typeof ENTITIES)[number]
