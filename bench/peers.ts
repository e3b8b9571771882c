import { expectSum } from './check.ts'
import { isInstalled, runProgram } from './child.ts'
import { credentials, region } from './credentials.ts'
import type { Contender } from './measure.ts'
import type { SetSum } from './replay/entry.ts'
import { runNode } from './run-node.ts'

/** Where a lister lists, and what it must find. */
export interface ListTarget {
  readonly url: string
  readonly bucket: string
  readonly truth: SetSum
}

/** The AWS SDK's paginator, in a process of its own. */
export function awsSdkLister(target: ListTarget): Contender {
  const name = 'AWS SDK paginator'
  return {
    name,
    run: async () => {
      const run = await runNode('list-aws-sdk.ts', { url: target.url, bucket: target.bucket })
      expectSum(name, run, target.truth)
      return run
    },
  }
}

/** `rclone lsf -R --fast-list`, its output counted; null where rclone is not installed. */
export async function rcloneLister(target: ListTarget): Promise<Contender | null> {
  if (!(await isInstalled('rclone', 'version'))) return null
  const name = 'rclone lsf -R --fast-list'
  const args = ['lsf', '-R', '--fast-list', '--files-only', `:s3:${target.bucket}`]
  const flags = [
    '--config=',
    '--s3-provider=Other',
    `--s3-endpoint=${target.url}`,
    `--s3-region=${region}`,
    `--s3-access-key-id=${credentials.accessKeyId}`,
    `--s3-secret-access-key=${credentials.secretAccessKey}`,
    '--s3-list-version=2',
    '--s3-no-check-bucket',
    '--retries=1',
  ]
  return {
    name,
    run: async () => {
      let units = 0
      const count = (chunk: Buffer) => {
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) units += 1
      }
      // rclone 1.60 refuses to start when the variable names a bundle it cannot use, and the replay server speaks plain HTTP.
      const seconds = await runProgram({
        command: 'rclone',
        args: [...args, ...flags],
        env: { AWS_CA_BUNDLE: undefined },
        onChunk: count,
      })
      expectSum(name, { units }, target.truth)
      return { seconds, units }
    },
  }
}
