import { existsSync } from 'node:fs'

// Plain JavaScript on purpose: it must run on Node versions too old for everything else.
const OLDEST_MAJOR = 24

if (!existsSync(new URL('../node_modules', import.meta.url))) {
  end('Nothing is installed here yet: run npm ci first')
}
if (Number(process.versions.node.split('.')[0]) < OLDEST_MAJOR) {
  end(
    `Ledger Mirror needs Node ${OLDEST_MAJOR} or later, and this is ${process.version}: start it with npm (npm start), which brings its own`,
  )
}

function end(message) {
  process.stderr.write(`${message}\n`)
  process.exit(78)
}
