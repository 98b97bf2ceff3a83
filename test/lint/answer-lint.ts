import { ESLint } from 'eslint'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * A process that lints texts by the project's own configuration: for each line `{ path, text }` of its input, a line
 * of complaints. The text is taken for the file at `path` (from the root of the repository).
 */
const eslint = new ESLint({
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  overrideConfig: {
    languageOptions: {
      parserOptions: {
        // Typed rules need a file to belong to the project: texts that are in no file are let in under these names.
        projectService: {
          allowDefaultProject: ['src/*/pretend.ts', 'migrations/pretend.ts', 'test/*/pretend.ts'],
          maximumDefaultProjectFileMatchCount_THIS_WILL_SLOW_DOWN_LINTING: 50,
        },
      },
    },
  },
})

for await (const line of createInterface(process.stdin)) {
  const { path, text } = JSON.parse(line) as { path: string; text: string }
  const [result] = await eslint.lintText(text, { filePath: path })
  // Warnings let the lint pass.
  const errors = result?.messages.filter(({ severity }) => severity === 2)
  const complaints = errors?.map(({ ruleId, message, line }) => ({ rule: ruleId, message, line }))
  process.stdout.write(
    `${JSON.stringify(complaints ?? [{ rule: null, message: 'not linted at all', line: 0 }])}\n`,
  )
}
