// Runs before every test file: with SLUICE_TEST_SEED all property tests draw the same cases as in any other run with it.
if (process.env.SLUICE_TEST_SEED !== undefined) {
  const { default: fc } = await import('fast-check')
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.SLUICE_TEST_SEED) })
}
