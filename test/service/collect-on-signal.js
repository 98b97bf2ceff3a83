import { readdirSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// Loaded into a process of the service beside its own code: on a signal it collects its garbage and says what is left.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

let said = 0

process.on('SIGUSR2', async () => {
  // What a callback lets go of in one round, the next may set free.
  for (let round = 0; round < 3; round += 1) {
    collect()
    await setImmediate()
  }
  said += 1
  const left = {
    said,
    heapBytes: process.memoryUsage().heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
  }
  writeSync(1, `left ${JSON.stringify(left)}\n`)
})
