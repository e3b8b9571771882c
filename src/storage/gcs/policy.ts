import {
  ASKED_HEADERS,
  CORS_MAX_AGE_SECONDS,
  EXPOSED_HEADERS,
  type PolicyDocument,
  type PolicyScope,
  type PolicySet,
} from '../policy.ts'
import { type BlockBody, Expression, type HclValue, hcl, hclBlock } from '../terraform.ts'

/** Who logs in to Google, as far as it is known before anything is connected. */
export type GcsPolicyLogin =
  | { readonly kind: 'key' }
  /** `principal`: this server's account, which acts as `account`, one of the user's. */
  | { readonly kind: 'cross-project'; readonly principal: string | null; readonly account: string | null }
  | { readonly kind: 'federation' }

/** What the documents for Google Cloud are made of. */
export interface GcsPoliciesOptions extends PolicyScope {
  readonly login: GcsPolicyLogin
}

const MEMBER = 'SERVICE_ACCOUNT_EMAIL'
const PRINCIPAL = 'PRINCIPAL_OF_THE_INTEGRATION'

/** What the custom role of a driver holds (PM-13). Of the bucket's own document nothing is read yet; whoever leaves that right out loses nothing. */
function filePermissions({ mayWrite, mayDelete }: PolicyScope): string[] {
  return [
    'storage.buckets.get',
    'storage.objects.get',
    'storage.objects.list',
    ...(mayWrite ? ['storage.objects.create'] : []),
    ...(mayWrite && mayDelete ? ['storage.objects.delete'] : []),
  ]
}

/**
 * Everything Google Cloud has to be told for one driver: a custom role, who has it in the bucket, CORS.
 *
 * A folder becomes a condition of the binding, which takes effect in buckets with uniform access. Its name is quoted as CEL reads it.
 * Sources: https://cloud.google.com/storage/docs/access-control/iam-permissions and https://cloud.google.com/iam/docs/conditions-attribute-reference
 */
export function gcsPolicies(options: GcsPoliciesOptions): PolicySet {
  const { login, folder, mayWrite, mayDelete, origin } = options
  const account = accountOf(login)
  const documents: PolicyDocument[] = [
    {
      name: 'custom-role',
      use: 'Make it a custom role of the bucket’s project (gcloud iam roles create sluiceFiles --project=… --file=…).',
      document: {
        title: 'Sluice: files of a bucket',
        description: 'What a storage driver of Sluice needs.',
        stage: 'GA',
        includedPermissions: filePermissions(options),
      },
    },
    {
      name: 'binding',
      use: 'Add it to the bucket’s IAM policy, with the id of your project; the policy’s version has to be 3 where there is a condition.',
      document: {
        role: 'projects/PROJECT_ID/roles/sluiceFiles',
        members: [`serviceAccount:${account ?? MEMBER}`],
        ...(folder !== '' && { condition: conditionOf(options) }),
      },
    },
  ]
  const notes: string[] = []
  if (account === null) notes.push(`Put the e-mail address of the service account where ${MEMBER} stands.`)
  if (login.kind !== 'key') documents.push(creatorBinding(login, notes))
  documents.push({
    name: 'cors',
    use: 'Set it as the bucket’s CORS configuration (gcloud storage buckets update gs://… --cors-file=…). It replaces the one that is there.',
    document: [corsRule(origin)],
  })
  if (folder !== '')
    notes.push(
      'The condition needs uniform bucket-level access, and the driver’s folder has to be exactly the one named in it.',
    )
  if (mayWrite && !mayDelete)
    notes.push(
      'Google counts overwriting as deleting: without the right to delete, a file that is there cannot be written again, only new ones.',
    )
  return { documents, terraform: terraform(options, account), notes }
}

function accountOf(login: GcsPolicyLogin): string | null {
  return login.kind === 'cross-project' ? login.account : null
}

/** The log-ins without a key act as the account, and let Google sign for it (PM-18). */
function creatorBinding(login: Exclude<GcsPolicyLogin, { kind: 'key' }>, notes: string[]): PolicyDocument {
  const isCross = login.kind === 'cross-project'
  const principal = isCross ? (login.principal ?? PRINCIPAL) : null
  if (principal === PRINCIPAL)
    notes.push('The principal is shown by the integration once it is made; ask again with its id.')
  const use =
    'Add it to the IAM policy of the service account itself: whoever has it may act as the account and sign addresses in its name (signBlob).'
  const member = principal === null ? 'principal://iam.googleapis.com/…/subject/SUBJECT' : `serviceAccount:${principal}`
  if (!isCross)
    notes.push('The principal of a federated log-in stands in the pool’s own page; put it where SUBJECT stands.')
  return {
    name: 'token-creator',
    use,
    document: { role: 'roles/iam.serviceAccountTokenCreator', members: [member] },
  }
}

/** Objects below the folder, and lists that ask for it. In a binding for a bucket's role the list has no object to be named after. */
function conditionOf({ bucket, folder }: PolicyScope): { title: string; expression: string } {
  const objects = cel(`projects/_/buckets/${bucket}/objects/${folder}`)
  const lists = `api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith(${cel(folder)})`
  return { title: 'sluice-folder', expression: `resource.name.startsWith(${objects}) || ${lists}` }
}

/** A text as CEL reads it; JSON's escapes are among its own. Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values */
function cel(text: string): string {
  return JSON.stringify(text)
}

function corsRule(origin: string) {
  return {
    origin: [origin],
    method: ['GET', 'HEAD'],
    // The one list stands for what is asked with and for what may be read.
    responseHeader: [...new Set<string>([...EXPOSED_HEADERS, ...ASKED_HEADERS])],
    maxAgeSeconds: CORS_MAX_AGE_SECONDS,
  }
}

function terraform(options: GcsPoliciesOptions, account: string | null): string {
  const { bucket, folder, login } = options
  const blocks: string[] = []
  const add = (labels: string, attributes: BlockBody['attributes'], inner: BlockBody['blocks'] = []) =>
    blocks.push(hclBlock(labels, { attributes, blocks: inner }))
  if (account === null)
    add('variable "sluice_service_account"', {
      type: new Expression('string'),
      description: 'E-mail address of the service account that the integration logs in as.',
    })
  const member: HclValue =
    account === null ? new Expression(`"serviceAccount:\${var.sluice_service_account}"`) : `serviceAccount:${account}`
  add('resource "google_project_iam_custom_role" "sluice"', {
    role_id: 'sluiceFiles',
    title: 'Sluice: files of a bucket',
    permissions: filePermissions(options),
  })
  const condition = conditionOf(options)
  add(
    'resource "google_storage_bucket_iam_member" "sluice"',
    { bucket, role: new Expression('google_project_iam_custom_role.sluice.name'), member },
    folder === '' ? [] : [['condition', { attributes: condition }]],
  )
  if (login.kind === 'cross-project' && account !== null) {
    const project = /@([a-z0-9-]+)\.iam\.gserviceaccount\.com$/.exec(account)?.[1]
    if (project !== undefined)
      add('resource "google_service_account_iam_member" "sluice"', {
        service_account_id: `projects/${project}/serviceAccounts/${account}`,
        role: 'roles/iam.serviceAccountTokenCreator',
        member: `serviceAccount:${login.principal ?? PRINCIPAL}`,
      })
  }
  const rule = corsRule(options.origin)
  const lines = [
    '# Terraform sets CORS in the bucket’s own resource; put this block into it:',
    '#   cors {',
    `#     origin          = ${inline(rule.origin)}`,
    `#     method          = ${inline(rule.method)}`,
    `#     response_header = ${inline(rule.responseHeader)}`,
    `#     max_age_seconds = ${rule.maxAgeSeconds}`,
    '#   }',
  ]
  return `${blocks.join('\n\n')}\n\n${lines.join('\n')}\n`
}

function inline(list: readonly string[]): string {
  return `[${list.map((one) => hcl(one)).join(', ')}]`
}
