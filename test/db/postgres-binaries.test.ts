import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgresPackage, runPostgresProgram, usableBinaries } from '../../src/db/postgres-binaries.ts'

const RUN_AS = process.geteuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined

describe('the binaries of the embedded Postgres', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postgres-binaries-'))
    await chmod(folder, 0o755)
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** The package as `npm ci --ignore-scripts` leaves it. */
  async function installWithoutScripts(to: string): Promise<string> {
    const packageFolder = findPostgresPackage()
    await cp(packageFolder, to, { recursive: true })
    const links = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8')
    for (const { target } of JSON.parse(links) as { target: string }[])
      await rm(join(to, target), { force: true })
    return to
  }

  async function run(binaries: string): Promise<void> {
    await runPostgresProgram(join(binaries, 'bin', 'initdb'), ['--version'], { runAs: RUN_AS, cwd: '/' })
  }

  test('run where they are installed, with the links that a blocked install script did not make', async () => {
    const packageFolder = await installWithoutScripts(join(folder, 'public'))
    await expect(run(join(packageFolder, 'native'))).rejects.toThrow()

    const binaries = await usableBinaries({ packageFolder, home: folder, runAs: RUN_AS })
    expect(binaries).toBe(join(packageFolder, 'native'))
    await run(binaries)
  })

  test('are copied, once and for everyone to read, when they cannot be run where they are', async () => {
    const home = join(folder, 'home')
    await mkdir(home)
    await chmod(home, 0o755)
    const packageFolder = await installWithoutScripts(join(folder, 'private', 'package'))
    const libraries = join(packageFolder, 'native', 'lib')
    // Root's private folder, where Postgres's user cannot go; or, for others, links that cannot be made.
    if (RUN_AS === undefined) await chmod(libraries, 0o555)
    else await chmod(join(folder, 'private'), 0o700)

    const binaries = await usableBinaries({ packageFolder, home, runAs: RUN_AS })

    expect(binaries).toMatch(new RegExp(`^${home}/binaries-`))
    await run(binaries)
    expect((await lstat(join(binaries, 'share'))).mode & 0o777).toBe(0o755)
    const { ino } = await lstat(join(binaries, 'bin', 'postgres'))
    expect(await usableBinaries({ packageFolder, home, runAs: RUN_AS })).toBe(binaries)
    expect((await lstat(join(binaries, 'bin', 'postgres'))).ino).toBe(ino)
    await chmod(libraries, 0o755)
  })

  test('are not to be had for every machine, and then DATABASE_URL is named as the way out', () => {
    expect(() => findPostgresPackage('win32-x64')).toThrow(
      /no embedded Postgres for win32-x64: set DATABASE_URL/,
    )
    const other = process.platform === 'darwin' ? 'linux-x64' : 'darwin-arm64'
    expect(() => findPostgresPackage(other)).toThrow(/is not installed.*DATABASE_URL/)
  })
})
