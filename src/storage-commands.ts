import type { Command } from 'commander'
import { readCliAccess } from '#config/cli-access.ts'
import type { PolicyOptions } from './cli/policy.ts'

/** Adds the commands that help to connect a bucket; for the command line. They end with status 0, 1 (not usable, refused) or 2 (asked wrongly). */
export function addStorageCommands(program: Command): void {
  program
    .command('policy')
    .description('writes the least policies that a storage driver needs; needs no server')
    .requiredOption('--type <type>', 's3, gcs, azureblob, azureDatalakeGen2, local or registry')
    .option('--bucket <name>', 'name of the bucket or container; for local the folder, for registry the host')
    .option('--folder <path>', 'the driver’s folder; everything unless given')
    .option('--region <region>', 'its region, which decides the partition of AWS')
    .option('--login <kind>', 'kind of the integration, such as s3, aws-sts, aws-cross, gcp-cross, azure-sas')
    .option('--delete', 'the driver may delete files')
    .option('--read-only', 'the driver writes nothing')
    .option('--abort-uploads', 'failed uploads in parts are given up at once (S3)')
    .option('--kms-key <arn>', 'the key that the bucket is encrypted with (S3)')
    .option('--origin <url>', 'where browsers load the console from', 'http://127.0.0.1:7070')
    .option('--document <name>', 'only this document, as its provider takes it')
    .option('--terraform', 'Terraform text instead of JSON')
    .action((options: PolicyOptions) => writePolicy(options))
  program
    .command('doctor <driver>')
    .description('examines a storage driver of a running server (SLUICE_URL, SLUICE_TOKEN)')
    .option('--json', 'answer in JSON')
    .action((driver: string, options: { json?: boolean }) => doctor(driver, options.json === true))
}

async function writePolicy(options: PolicyOptions): Promise<void> {
  const { writePolicies } = await import('./cli/policy.ts')
  try {
    const { text, notes } = writePolicies(options)
    process.stdout.write(text)
    for (const note of notes) process.stderr.write(`Note: ${note}\n`)
  } catch (error) {
    fail(error, 2)
  }
}

async function doctor(driverId: string, isJson: boolean): Promise<void> {
  const { examine } = await import('./cli/doctor.ts')
  try {
    const { answer, lines, isUsable } = await examine(readCliAccess(), driverId)
    process.stdout.write(isJson ? `${JSON.stringify(answer)}\n` : `${lines.join('\n')}\n`)
    process.exitCode = isUsable ? 0 : 1
  } catch (error) {
    fail(error, 2)
  }
}

function fail(error: unknown, code: number): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = code
}
