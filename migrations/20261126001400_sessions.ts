import type { Knex } from 'knex'

/** Who is signed in to the pages, and how often somebody tried to be. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE console_sessions (
      id uuid PRIMARY KEY,
      began_at timestamptz NOT NULL,
      ends_at timestamptz NOT NULL,
      CHECK (ends_at > began_at)
    )`)
  // In the form that rate-limiter-flexible expects.
  await knex.raw(`
    CREATE TABLE login_attempts (
      key varchar(255) PRIMARY KEY,
      points integer NOT NULL DEFAULT 0,
      expire bigint
    )`)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE login_attempts')
  await knex.raw('DROP TABLE console_sessions')
}
