export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/setup/strip-types.js' },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Postgres starts once for all suites; each worker clones its own database from one migrated template.
  globalSetup: '<rootDir>/test/setup/start-postgres.ts',
  globalTeardown: '<rootDir>/test/setup/stop-postgres.ts',
  // A slow, shared machine needs longer than jest's 5 s for tests that run the whole service.
  testTimeout: 60_000,
  maxWorkers: 2,
}
