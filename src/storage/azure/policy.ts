import {
  ASKED_HEADERS,
  CORS_MAX_AGE_SECONDS,
  EXPOSED_HEADERS,
  type PolicyDocument,
  type PolicyScope,
  type PolicySet,
} from '../policy.ts'
import { type BlockBody, Expression, hcl, hclBlock } from '../terraform.ts'

/** How Azure is logged in to: by a principal of the directory, which has roles; by the account's own key; by a signature that says itself what it allows. */
export type AzurePolicyLogin = 'principal' | 'account-key' | 'sas'

/** What the documents for Azure are made of. */
export interface AzurePoliciesOptions extends PolicyScope {
  readonly login: AzurePolicyLogin
}

const BLOBS = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'
const ACCOUNT =
  '/subscriptions/SUBSCRIPTION_ID/resourceGroups/RESOURCE_GROUP/providers/Microsoft.Storage/storageAccounts/ACCOUNT'
const READER_VARIABLE = 'sluice_principal_id'

/**
 * Everything Azure has to be told for one driver: a role, where it is given and on which condition, CORS.
 *
 * Roles end at the container; a folder is a condition of the assignment. Account keys cannot be limited at all, signatures to a container.
 * Sources: https://learn.microsoft.com/azure/role-based-access-control/permissions/storage and https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-examples
 */
export function azurePolicies(options: AzurePoliciesOptions): PolicySet {
  const { login, folder, origin } = options
  const notes: string[] = []
  const documents: PolicyDocument[] = []
  if (login === 'principal') documents.push(...roleDocuments(options, notes))
  if (login === 'sas') documents.push(sasDocument(options, notes))
  if (login === 'account-key')
    notes.push(
      'An account key opens the whole storage account, every container and folder of it: no document makes it less. Take a service principal or a shared access signature instead where others use the account.',
    )
  documents.push({
    name: 'cors',
    use: 'Set it on the account’s blob service (az storage cors add --services b …). Azure has CORS for whole accounts only.',
    document: { properties: { cors: { corsRules: [corsRule(origin)] } } },
  })
  if (folder !== '' && login !== 'principal')
    notes.push('The folder limits what the driver looks at, not what these credentials may do.')
  return { documents, terraform: login === 'principal' ? terraform(options) : corsText(origin), notes }
}

function dataActions({ mayWrite, mayDelete }: PolicyScope): string[] {
  return [
    `${BLOBS}/read`,
    ...(mayWrite ? [`${BLOBS}/write`] : []),
    ...(mayWrite && mayDelete ? [`${BLOBS}/delete`] : []),
  ]
}

function roleDocuments(options: AzurePoliciesOptions, notes: string[]): PolicyDocument[] {
  const { bucket, folder } = options
  const container = `${ACCOUNT}/blobServices/default/containers/${bucket}`
  const documents: PolicyDocument[] = [
    {
      name: 'role-definition',
      use: 'Make it a custom role (az role definition create --role-definition …), with your subscription’s id.',
      document: {
        Name: 'Sluice: files of a container',
        IsCustom: true,
        Description: 'What a storage driver of Sluice needs.',
        Actions: [],
        NotActions: [],
        DataActions: dataActions(options),
        NotDataActions: [],
        AssignableScopes: ['/subscriptions/SUBSCRIPTION_ID'],
      },
    },
  ]
  const condition = conditionOf(options)
  if (folder !== '' && condition === null) {
    notes.push(UNWRITABLE)
  } else {
    documents.push({
      name: 'role-assignment',
      use: 'Assign the role on the container (az role assignment create …).',
      document: {
        role: 'Sluice: files of a container',
        scope: container,
        assignee: 'OBJECT_ID_OF_THE_PRINCIPAL',
        ...(condition !== null && { condition, conditionVersion: '2.0' }),
      },
    })
  }
  documents.push({
    name: 'delegator-assignment',
    use: 'Assign this role of Azure’s own on the account: signed addresses need a key that only it gives (generateUserDelegationKey). Without it files go through the server.',
    document: { role: 'Storage Blob Delegator', scope: ACCOUNT, assignee: 'OBJECT_ID_OF_THE_PRINCIPAL' },
  })
  notes.push('Put your own ids where SUBSCRIPTION_ID, RESOURCE_GROUP, ACCOUNT and OBJECT_ID_OF_THE_PRINCIPAL stand.')
  if (condition !== null)
    notes.push(
      'Data actions of a role end at the container; the folder is kept by the condition of the assignment alone, so never assign the role without it.',
    )
  notes.push(
    'Azure’s own roles are wider: Storage Blob Data Reader reads every folder of the container, Storage Blob Data Contributor also writes and deletes.',
  )
  return documents
}

const UNWRITABLE =
  'The folder’s name has a quotation mark or a backslash, for which Azure’s conditions have no documented spelling, so there is no assignment that ends at this folder. Rename the folder, or give it a container of its own.'

/** Null without a folder, and where its name cannot be written. Wildcards stand for nothing here: `StringStartsWith` knows none. */
function conditionOf({ folder, mayWrite, mayDelete }: PolicyScope): string | null {
  if (folder === '' || /['"\\]/.test(folder)) return null
  const path = `@Resource[${BLOBS}:path] StringStartsWith '${folder}'`
  const prefix = `@Request[${BLOBS}:prefix] StringStartsWith '${folder}'`
  const rule = (action: string, holds: string) => `((!(${action})) OR (${holds}))`
  const rules = [
    rule(`ActionMatches{'${BLOBS}/read'} AND NOT SubOperationMatches{'Blob.List'}`, path),
    rule(`ActionMatches{'${BLOBS}/read'} AND SubOperationMatches{'Blob.List'}`, prefix),
    ...(mayWrite ? [rule(`ActionMatches{'${BLOBS}/write'}`, path)] : []),
    ...(mayWrite && mayDelete ? [rule(`ActionMatches{'${BLOBS}/delete'}`, path)] : []),
  ]
  return rules.join(' AND ')
}

function sasDocument({ mayWrite, mayDelete }: PolicyScope, notes: string[]): PolicyDocument {
  notes.push(
    'A shared access signature for a folder exists in hierarchical accounts only (signedResource d); the one described here ends at the container.',
  )
  return {
    name: 'sas',
    use: 'Make a service SAS of the container with these fields, and an end that suits you.',
    document: {
      signedResource: 'c',
      // In the order in which Azure wants them.
      signedPermissions: `r${mayWrite ? 'cw' : ''}${mayWrite && mayDelete ? 'd' : ''}l`,
      signedProtocol: 'https',
    },
  }
}

function corsRule(origin: string) {
  return {
    allowedOrigins: [origin],
    allowedMethods: ['GET', 'HEAD'],
    allowedHeaders: [...ASKED_HEADERS],
    exposedHeaders: [...EXPOSED_HEADERS],
    maxAgeInSeconds: CORS_MAX_AGE_SECONDS,
  }
}

function terraform(options: AzurePoliciesOptions): string {
  const { bucket, folder, origin } = options
  const blocks: string[] = []
  const add = (labels: string, attributes: BlockBody['attributes'], inner: BlockBody['blocks'] = []) =>
    blocks.push(hclBlock(labels, { attributes, blocks: inner }))
  const text = new Expression('string')
  add('variable "sluice_storage_account_id"', { type: text, description: 'Resource id of the storage account.' })
  add(`variable "${READER_VARIABLE}"`, { type: text, description: 'Object id of who logs in.' })
  const account = new Expression('var.sluice_storage_account_id')
  const principal = new Expression(`var.${READER_VARIABLE}`)
  add('resource "azurerm_role_definition" "sluice"', { name: 'Sluice: files of a container', scope: account }, [
    ['permissions', { attributes: { data_actions: dataActions(options) } }],
  ])
  const condition = conditionOf(options)
  const container = new Expression(`"\${var.sluice_storage_account_id}/blobServices/default/containers/${bucket}"`)
  if (folder === '' || condition !== null)
    add('resource "azurerm_role_assignment" "sluice"', {
      scope: container,
      role_definition_id: new Expression('azurerm_role_definition.sluice.role_definition_resource_id'),
      principal_id: principal,
      ...(condition !== null && { condition, condition_version: '2.0' }),
    })
  add('resource "azurerm_role_assignment" "sluice_delegator"', {
    scope: account,
    role_definition_name: 'Storage Blob Delegator',
    principal_id: principal,
  })
  return `${blocks.join('\n\n')}\n\n${corsText(origin)}`
}

function corsText(origin: string): string {
  const rule = corsRule(origin)
  const inline = (list: readonly string[]) => `[${list.map((one) => hcl(one)).join(', ')}]`
  return `${[
    '# Terraform sets CORS in the account’s own resource; put this into its blob_properties:',
    '#   cors_rule {',
    `#     allowed_origins    = ${inline(rule.allowedOrigins)}`,
    `#     allowed_methods    = ${inline(rule.allowedMethods)}`,
    `#     allowed_headers    = ${inline(rule.allowedHeaders)}`,
    `#     exposed_headers    = ${inline(rule.exposedHeaders)}`,
    `#     max_age_in_seconds = ${rule.maxAgeInSeconds}`,
    '#   }',
  ].join('\n')}\n`
}
