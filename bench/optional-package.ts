// Node's word for it, and that of the loader of tests.
const MISSING: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']

/**
 * A package that only a comparison needs: null where it is not installed, and the comparison is then left out and
 * said to be.
 */
export async function optionalPackage<Module>(name: string): Promise<Module | null> {
  try {
    return (await import(name)) as Module
  } catch (error) {
    if (MISSING.includes((error as NodeJS.ErrnoException).code)) return null
    throw error
  }
}
