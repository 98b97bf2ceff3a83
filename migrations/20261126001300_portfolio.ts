import type { Knex } from 'knex'

/** What the books of a company add up to, kept while nothing of them changes and its day lasts. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE portfolio_sums (
      realm_id text PRIMARY KEY REFERENCES companies ON DELETE CASCADE,
      today date NOT NULL,
      latest timestamptz NOT NULL,
      sums jsonb NOT NULL
    );
    COMMENT ON TABLE portfolio_sums IS 'Sums of open bills and invoices and of accounts, by currency: made again by whoever reads them after a change.';
    COMMENT ON COLUMN portfolio_sums.today IS 'The company''s own date by which they are aged.';
    COMMENT ON COLUMN portfolio_sums.latest IS 'valid_from of the company''s latest version when they were made; with a later one they no longer hold; -infinity: it had none.';
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE portfolio_sums')
}
