import { PgBoss, type ConstructorOptions } from 'pg-boss'
import type { Logger } from 'winston'
import type { Connection } from '../db/connect.ts'

export interface BossOptions {
  readonly connection: Connection
  readonly applicationName: string
  readonly schedules: boolean
  readonly works: boolean
  /** Create or upgrade pg-boss' own schema at start; false if a release does that. */
  readonly migrates: boolean
  readonly log: Logger
}

/** Connections of pg-boss besides its listener: its loops share them, and each holds one for milliseconds. */
export const BOSS_POOL_MAX = 3

/** The queue in schema `pgboss`, not started yet. */
export function createBoss(options: BossOptions): PgBoss {
  const boss = new PgBoss(bossSettings(options))
  // Without a listener an 'error' event ends the process. pg-boss reconnects by itself.
  boss.on('error', (error) => options.log.error('queue error', { error }))
  boss.on('warning', (warning) => options.log.warn('queue warning', { warning: warning.message }))
  return boss
}

/** pg-boss' options, without its event listeners. */
export function bossSettings(options: BossOptions): ConstructorOptions {
  return {
    ...options.connection,
    application_name: options.applicationName,
    max: BOSS_POOL_MAX,
    schema: 'pgboss',
    migrate: options.migrates,
    createSchema: options.migrates,
    schedule: options.schedules,
    supervise: options.schedules || options.works,
    useListenNotify: options.works || options.schedules,
    // A killed process's job is noticed within its heartbeat plus this; at the default of 60 its company would be held
    // up for two minutes.
    superviseIntervalSeconds: 15,
    monitorIntervalSeconds: 15,
    maintenanceIntervalSeconds: 3_600,
    // With these a tick is at most some 15 seconds late; with the defaults (30 and 5), 35.
    cronMonitorIntervalSeconds: 10,
    cronWorkerIntervalSeconds: 5,
  }
}
