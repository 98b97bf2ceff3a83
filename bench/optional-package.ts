import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

/**
 * A package that only a comparison needs: null where it is not installed, and the comparison is then left out and
 * said to be. Loaded as CommonJS: the ES module of @supabase/stripe-sync-engine does not find its migrations.
 */
export function optionalPackage<Module>(name: string): Module | null {
  try {
    return load(name) as Module
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}
