import type { Knex } from 'knex'
import { rowsOf } from '../src/db/database.ts'

/**
 * Schema `public` of a migrated database as Markdown, from its catalog: tables, views and functions by name, columns in
 * their order. Knex's own tables are left out.
 */
export async function describeSchema(knex: Knex): Promise<string> {
  const [tables, columns, constraints, indexes, triggers, views, functions] = await Promise.all([
    rowsOf<Named>(knex, TABLES),
    rowsOf<Column>(knex, COLUMNS),
    rowsOf<Part>(knex, CONSTRAINTS),
    rowsOf<Part>(knex, INDEXES),
    rowsOf<Part>(knex, TRIGGERS),
    rowsOf<View>(knex, VIEWS),
    rowsOf<DatabaseFunction>(knex, FUNCTIONS),
  ])
  const of = <Row extends { relation: string }>(rows: readonly Row[], { name }: Named) =>
    rows.filter((row) => row.relation === name)
  return [
    PREFACE,
    '## Tables',
    ...tables.flatMap((table) => [
      heading(table),
      columnTable(of(columns, table)),
      list('Constraints', of(constraints, table)),
      list('Indexes', of(indexes, table)),
      list('Triggers', of(triggers, table)),
    ]),
    '## Views',
    ...views.flatMap((view) => [heading(view), columnTable(of(columns, view)), sql(view.definition)]),
    '## Functions',
    ...functions.map(functionEntry),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n')
}

const PREFACE = `# The schema

Written by \`npm run schema\` from the catalog of a migrated database; the migrations are the source. Every key begins
with \`realm_id\`, Intuit's number of the company. Money is \`numeric\`, dates are \`date\`, moments are \`timestamptz\`.
The queue keeps its own tables in schema \`pgboss\`.`

interface Named {
  readonly name: string
  readonly comment: string | null
}

interface Column extends Named {
  readonly relation: string
  readonly type: string
  readonly nullable: boolean
  readonly value: string | null
}

interface Part {
  readonly relation: string
  readonly name: string
  readonly definition: string
}

interface View extends Named {
  readonly definition: string
}

interface DatabaseFunction extends Named {
  readonly arguments: string
  readonly result: string
}

function heading({ name, comment }: Named): string {
  return [`### ${name}`, ...(comment === null ? [] : [comment])].join('\n\n')
}

function columnTable(columns: readonly Column[]): string {
  const rows = columns.map(({ name, type, nullable, value, comment }) =>
    [`\`${name}\``, type, nullable ? 'yes' : '', value === null ? '' : `\`${value}\``, comment ?? '']
      .map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '))
      .join(' | '),
  )
  return ['column | type | null | value | meaning', '--- | --- | --- | --- | ---', ...rows]
    .map((row) => `| ${row} |`)
    .join('\n')
}

function list(title: string, parts: readonly Part[]): string {
  if (parts.length === 0) return ''
  return [`${title}:`, '', ...parts.map(({ name, definition }) => `- \`${name}\`: \`${definition}\``)].join(
    '\n',
  )
}

function sql(definition: string): string {
  return ['```sql', definition.trim(), '```'].join('\n')
}

function functionEntry({ name, arguments: takes, result, comment }: DatabaseFunction): string {
  return [`- \`${name}(${takes})\` gives ${result}`, ...(comment === null ? [] : [comment])].join(': ')
}

const OURS = `n.nspname = 'public' AND c.relname NOT LIKE 'knex\\_%'`

const TABLES = `
  SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS comment
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${OURS} AND c.relkind IN ('r', 'p')
   ORDER BY c.relname COLLATE "C"`

const COLUMNS = `
  SELECT c.relname AS relation, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
         NOT a.attnotnull AND c.relkind <> 'v' AS nullable, col_description(c.oid, a.attnum) AS comment,
         CASE WHEN a.attidentity <> '' THEN 'identity'
              WHEN a.attgenerated <> '' THEN 'always ' || pg_get_expr(d.adbin, d.adrelid)
              ELSE pg_get_expr(d.adbin, d.adrelid) END AS value
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE ${OURS} AND c.relkind IN ('r', 'p', 'v')
   ORDER BY c.relname COLLATE "C", a.attnum`

// Without the NOT NULL constraints, which Postgres 18 lists and older versions do not: the columns show them.
const CONSTRAINTS = `
  SELECT c.relname AS relation, k.conname AS name, pg_get_constraintdef(k.oid) AS definition
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${OURS} AND k.contype IN ('p', 'u', 'f', 'c', 'x')
   ORDER BY c.relname COLLATE "C", array_position(ARRAY['p', 'u', 'f', 'c', 'x'], k.contype::text), k.conname COLLATE "C"`

// Indexes that serve a constraint are listed with it.
const INDEXES = `
  SELECT c.relname AS relation, i.relname AS name, pg_get_indexdef(i.oid) AS definition
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${OURS} AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
   ORDER BY c.relname COLLATE "C", i.relname COLLATE "C"`

const TRIGGERS = `
  SELECT c.relname AS relation, t.tgname AS name,
         pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'A' THEN ' ENABLE ALWAYS' WHEN 'D' THEN ' DISABLED' ELSE '' END
           AS definition
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${OURS} AND NOT t.tgisinternal
   ORDER BY c.relname COLLATE "C", t.tgname COLLATE "C"`

const VIEWS = `
  SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS comment, pg_get_viewdef(c.oid, true) AS definition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${OURS} AND c.relkind = 'v'
   ORDER BY c.relname COLLATE "C"`

// Without functions of extensions.
const FUNCTIONS = `
  SELECT p.proname AS name, obj_description(p.oid, 'pg_proc') AS comment,
         pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname = 'public' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
   ORDER BY p.proname COLLATE "C", 3`
