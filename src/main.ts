// Entry of every process of Sluice. Nothing is imported before the version is known to be good, and this file is plain JavaScript for that reason.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `Sluice runs on Node 24 (at least 22.19); this is ${process.versions.node}. “npm start” brings the right one.\n`,
  )
  process.exit(1)
}
const { main } = await import('./commands.ts')
await main(process.argv)
