import type { Config } from '#config/config.ts'
import type { Deps } from '#core/deps.ts'
import { AppError } from '#lib/app-error.ts'
import { storageErrorCode } from '#storage/error-codes.ts'
import { assumeOnce, type RoleLogin } from '#storage/s3/role.ts'
import { StorageError } from '#storage/storage-error.ts'
import type { Credentials } from './credentials.ts'
import { regionOf } from './prove-aws.ts'

/** How the user of an access key gets the keys of its role (PM-11); throws `integration.invalid` where the integration lacks one of the fields. */
export function assumedRoleLogin(config: Config, orgId: string, credentials: Credentials | null): RoleLogin {
  const key = credentials?.get('key')
  const secret = credentials?.get('secret')
  const roleArns = credentials?.get('roleArns')
  if (key === undefined || secret === undefined || roleArns === undefined) {
    throw new AppError('integration.invalid', {
      message: 'The integration lacks key, secret or role; enter them again.',
    })
  }
  return {
    roleArns: roleArns
      .reveal()
      .split(',')
      .map((arn) => arn.trim()),
    sessionName: orgId,
    identity: { kind: 'key', accessKeyId: key.reveal(), secretAccessKey: secret },
    stsEndpoint: config.awsStsEndpoint ?? undefined,
    isStsTrusted: config.awsStsEndpoint !== null,
  }
}

/** Really takes on the role of an integration and throws the keys away; for whoever wants to know whether it works before there is a bucket. Throws what the service says. */
export async function tryAssumedRole(deps: Deps, orgId: string, credentials: Credentials): Promise<void> {
  const login = assumedRoleLogin(deps.config, orgId, credentials)
  try {
    await assumeOnce(login, { region: regionOf(login.roleArns[0]!), egress: deps.egress, clock: deps.clock })
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    throw new AppError(storageErrorCode(error), { message: error.message, cause: error })
  }
}
