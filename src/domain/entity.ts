/**
 * What is mirrored, in the order a run reads it: vendors and customers come first, so that the run that brings a bill
 * also brings its vendor's name.
 */
export const ENTITIES = ['vendor', 'customer', 'balance', 'bill', 'invoice'] as const

export type Entity = (typeof ENTITIES)[number]
