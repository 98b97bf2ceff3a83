import type { Knex } from 'knex'
import { rowsOf } from './database.ts'

/** What a reader of SQL is given, as SQL names it. */
export interface Granted {
  readonly relations: readonly string[]
  readonly functions: readonly string[]
}

// What a function for people reads runs as its caller: of these tables it needs the columns named here, and the others
// (how a company is synced, what a rejected payload holds) stay the service's own.
const COLUMNS: Readonly<Record<string, string>> = {
  companies: 'realm_id, name, status, home_currency, time_zone, tags, max_lag_minutes',
  sync_rejects: 'realm_id, entity, qbo_id, code, reason, first_seen_at, resolved_at',
  sync_runs: 'id, realm_id, trigger, mode, status, started_at, finished_at',
}

// By the form of their names, so that another entity's come with the next grant and no list has to grow.
const FUNCTIONS_FOR_PEOPLE =
  '_(as_of|source_as_of|held|known)$|^(company_date|document_status|settled_before)$'

/**
 * Gives a role what a reader of SQL needs: every view, the functions that read a moment, and a few columns of the
 * tables behind them. Giving it again changes nothing but what a release added.
 *
 * @throws Error of one sentence when there is no such role, it could do more anyway, or the schema is not current.
 */
export async function grantReader(knex: Knex, role: string): Promise<Granted> {
  await requireReader(knex, role)
  return knex.transaction(async (trx) => {
    const views = await names(trx, VIEWS)
    const functions = await names(trx, FUNCTIONS, { form: FUNCTIONS_FOR_PEOPLE })
    if (views.length === 0 || functions.length === 0) {
      throw new Error('There is nothing to read in this database yet: run npm run migrate first')
    }
    const relations = [
      ...views,
      ...Object.entries(COLUMNS).map(([table, columns]) => `public.${table} (${columns})`),
    ]
    for (const statement of [
      ...views.map((view) => `SELECT ON ${view}`),
      ...Object.entries(COLUMNS).map(([table, columns]) => `SELECT (${columns}) ON public.${table}`),
      ...functions.map((one) => `EXECUTE ON FUNCTION ${one}`),
      'USAGE ON SCHEMA public',
    ]) {
      await grant(trx, statement, role)
    }
    return { relations, functions }
  })
}

/** The statement is made by Postgres, which alone knows how to quote a name. */
async function grant(trx: Knex, what: string, role: string): Promise<void> {
  const [made] = await rowsOf<{ statement: string }>(
    trx,
    `SELECT format('GRANT %s TO %I', CAST(:what AS text), CAST(:role AS text)) AS statement`,
    { what, role },
  )
  // Knex reads a question mark as a binding, and a name may hold one.
  await trx.raw(made!.statement.replaceAll('?', '\\?'))
}

async function requireReader(knex: Knex, role: string): Promise<void> {
  const [found] = await rowsOf<{ owns: boolean }>(
    knex,
    `SELECT r.rolsuper OR pg_has_role(r.oid, c.relowner, 'MEMBER') AS owns
       FROM pg_roles r
       LEFT JOIN pg_class c ON c.oid = to_regclass('public.connections')
      WHERE r.rolname = :role`,
    { role },
  )
  if (!found) throw new Error(`There is no role ${role}: CREATE ROLE it with LOGIN and a password first`)
  if (found.owns)
    throw new Error(`The role ${role} owns the tables or is a superuser: make one that only reads`)
}

async function names(knex: Knex, sql: string, bindings: Record<string, string> = {}): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(knex, sql, bindings)
  return rows.map(({ name }) => name)
}

// Those of extensions, such as pg_stat_statements, are not ours to give.
const VIEWS = `
  SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'public' AND c.relkind = 'v'
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
   ORDER BY c.relname COLLATE "C"`

const FUNCTIONS = `
  SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname = 'public' AND p.proname ~ :form
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
   ORDER BY p.proname COLLATE "C"`
