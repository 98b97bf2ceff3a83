import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createApp } from '../src/app.ts'
import { readEnv, toConfig } from '../src/config.ts'
import { ownCpuSeconds } from './cpu-clock.ts'

/** The service as it is started, with its environment's settings. It answers any message with its usage. */
export interface ServiceUsage {
  readonly port: number
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** The most since it was asked before. */
  readonly peakResidentBytes: number
  readonly heapUsedBytes: number
  /** How long the event loop stood still at most since it was asked before. */
  readonly mostLoopDelayMs: number
  /** The most processor time that the main thread spent between two beats a few ms apart: what others use does not count. */
  readonly mostLoopCpuMs: number
}

// A page is mapped and written in some 100 ms: a peak lasts longer than this.
const SAMPLE_MS = 20
const LOOP_SAMPLE_MS = 5

const app = createApp(toConfig(readEnv()))
const loopDelay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS })
loopDelay.enable()
let mostLoopCpuMs = 0
let cpuMs = threadCpuMs()
setInterval(() => {
  const now = threadCpuMs()
  mostLoopCpuMs = Math.max(mostLoopCpuMs, now - cpuMs)
  cpuMs = now
}, LOOP_SAMPLE_MS).unref()
let peak = 0
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, SAMPLE_MS).unref()
process.on('message', () => process.send?.(usage()))
// Nothing outlives the bench that started it, however that ended.
process.once('disconnect', () => process.exit())
process.once('SIGTERM', () => void app.stop().then(() => process.exit(0)))
await app.start()
process.send?.(usage())

function usage(): ServiceUsage {
  const { rss, heapUsed } = process.memoryUsage()
  const peakResidentBytes = Math.max(peak, rss)
  peak = 0
  // The sampling itself waits for one of its own beats.
  const mostLoopDelayMs = Math.max(0, loopDelay.max / 1e6 - LOOP_SAMPLE_MS)
  loopDelay.reset()
  const loopCpuMs = mostLoopCpuMs
  mostLoopCpuMs = 0
  // Without the web role it listens nowhere.
  const port = (app.http.address() as AddressInfo | null)?.port ?? 0
  return {
    port,
    cpuSeconds: ownCpuSeconds(),
    residentBytes: rss,
    peakResidentBytes,
    heapUsedBytes: heapUsed,
    mostLoopDelayMs,
    mostLoopCpuMs: loopCpuMs,
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
