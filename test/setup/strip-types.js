import { stripTypeScriptTypes } from 'node:module'

/** The jest transform: the same type stripping that Node does when it runs the files itself. */
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
}
