import js from '@eslint/js'
import { createNodeResolver, flatConfigs, importX } from 'eslint-plugin-import-x'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

// The rooms of src/, lowest first: a room imports only rooms listed before it.
const ROOMS = [
  'domain',
  'metrics',
  'db',
  'models',
  'books',
  'connections',
  'quickbooks',
  'sync',
  'reconcile',
  'jobs',
  'http',
  'console',
  'sandbox',
]

// Rooms that may import less than the log and every room before them.
const EXCEPTIONS = {
  domain: [],
  // The one room that knows Intuit does not know what is done with its answers.
  quickbooks: ['domain'],
  // A misunderstanding of QuickBooks shared with the code under test would cancel itself out; who else uses a folder is
  // no matter of QuickBooks.
  sandbox: ['db/data-folder-lock.ts'],
}

const roomZones = ROOMS.map((room, place) => {
  const allowed = EXCEPTIONS[room] ?? ['log.ts', ...ROOMS.slice(0, place)]
  return {
    target: `./src/${room}`,
    from: './src',
    except: [room, ...allowed],
    message: `Of ours, ${room} may import ${allowed.length === 0 ? 'nothing' : `only ${allowed.join(', ')}`}.`,
  }
})

const otherZones = [
  {
    target: './src',
    from: ['./test', './migrations', './seeds', './bench', './docs', './ops'],
    message: 'The service does not import what stands around it.',
  },
  {
    target: './migrations',
    from: './src',
    message: 'A migration must still do the same when the code has moved on.',
  },
]

const CLOCK = 'Time comes in through the Clock of src/db/clock.ts.'
const CLOCK_READS = [
  { object: 'Date', property: 'now', message: CLOCK },
  { object: 'performance', property: 'now', message: CLOCK },
  { object: 'process', property: 'hrtime', message: CLOCK },
]
const DATES_OF_NOW = [
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: CLOCK },
  { selector: 'CallExpression[callee.name="Date"]', message: CLOCK },
]
const RANDOMNESS = [
  {
    object: 'Math',
    property: 'random',
    message: 'Randomness comes in as an option, so that a test can repeat it.',
  },
]
const ENVIRONMENT = [
  {
    object: 'process',
    property: 'env',
    message: 'Settings come in as options; src/config.ts alone reads the environment.',
  },
]

// Importing them would bypass the rules on the globals of the same name.
const WATCHED_MODULES = ['process', 'node:process', 'perf_hooks', 'node:perf_hooks'].map((name) => ({
  name,
  message: 'Use the global.',
}))

export default defineConfig(
  { ignores: ['node_modules/', '.data/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  flatConfigs.typescript,
  {
    name: 'everything',
    plugins: { 'import-x': importX },
    languageOptions: {
      globals: { fetch: 'readonly', process: 'readonly', URL: 'readonly' },
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })] },
    rules: {
      // QuickBooks rejects control characters and Postgres some, so patterns must name them.
      'no-control-regex': 'off',
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-restricted-paths': [
        'error',
        { basePath: import.meta.dirname, zones: [...roomZones, ...otherZones] },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      // No switch misses a new member of a union: each has its case, and no default hides the rest.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, requireDefaultForNonUnion: true },
      ],
      // Anything may be thrown.
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'error',
      // A promise returned from a try without await escapes its catch.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/no-deprecated': 'error',
      // An interface may require a promise although one implementation has the value at once.
      '@typescript-eslint/require-await': 'off',
      // Methods here are closures in objects; none needs its `this`.
      '@typescript-eslint/unbound-method': 'off',
      // Express recognises an error handler by its four parameters, and a loop may only count.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_$', ignoreRestSiblings: true },
      ],
    },
  },
  {
    name: 'the service',
    files: ['src/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': ['error', ...CLOCK_READS, ...RANDOMNESS, ...ENVIRONMENT],
      'no-restricted-syntax': ['error', ...DATES_OF_NOW],
      'no-restricted-imports': ['error', ...WATCHED_MODULES],
    },
  },
  {
    name: 'the clock',
    files: ['src/db/clock.ts'],
    rules: {
      'no-restricted-properties': ['error', ...RANDOMNESS, ...ENVIRONMENT],
      'no-restricted-syntax': 'off',
    },
  },
  {
    name: 'the settings',
    files: ['src/config.ts'],
    rules: { 'no-restricted-properties': ['error', ...CLOCK_READS, ...RANDOMNESS] },
  },
  {
    name: 'where randomness comes from',
    files: ['src/app.ts'],
    rules: { 'no-restricted-properties': ['error', ...CLOCK_READS, ...ENVIRONMENT] },
  },
  {
    // A separate program: sharing nothing with the service, it takes clock and settings from the machine.
    name: 'the simulator run alone',
    files: ['src/sandbox/main.ts'],
    rules: { 'no-restricted-properties': ['error', ...RANDOMNESS], 'no-restricted-syntax': 'off' },
  },
  {
    name: 'programs that a person starts',
    files: ['src/main.ts', 'src/migrate.ts', 'src/seed.ts', 'src/sandbox/main.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // Jest's matchers and supertest's bodies are `any`, and records of a simulated QuickBooks are what they are.
    name: 'tests',
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  { name: 'JavaScript', files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
)
