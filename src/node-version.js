// Plain JavaScript on purpose: it must run on Node versions too old for everything else.
const OLDEST_MAJOR = 24

if (Number(process.versions.node.split('.')[0]) < OLDEST_MAJOR) {
  process.stderr.write(
    `Ledger Mirror needs Node ${OLDEST_MAJOR} or later, and this is ${process.version}: start it with npm (npm start), which brings its own\n`,
  )
  process.exit(78)
}
