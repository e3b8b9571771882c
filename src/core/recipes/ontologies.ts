import type { Attribute, AttributeInput, LabelNode, LabelRoot, Ontology } from '#contract/ontologies.ts'
import type { SharedListQuery } from '#contract/recipes.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { dropAttributes, putAttributes } from './attributes.ts'
import { checkRoots, putLabels } from './labels.ts'
import { requireDeveloper, requireRole, setProjects } from './membership.ts'
import { listShared, type Page, sharedColumns, sharedFrom } from './shared-list.ts'

type Json = Readonly<Record<string, unknown>>

/** What an ontology is made of; attributes are those of the old kind. */
export interface NewOntology {
  readonly projectIds: readonly string[]
  readonly title?: string | null | undefined
  readonly roots?: readonly LabelRoot[] | null | undefined
  readonly attributes?: unknown
  readonly metadata?: Json | null | undefined
}

interface Row {
  readonly id: string
  readonly title: string | null
  readonly roots: LabelRoot[]
  readonly attributes: unknown
  readonly metadata: Json & { readonly system?: Json; readonly attributes?: unknown }
  readonly creator: string
  readonly updater: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly project_ids: string[]
}

/** Makes an ontology in the given transaction and answers its id; who may do that is for the caller of this function to see to. */
export async function insertOntology(deps: Deps, tx: Db, caller: Caller, given: NewOntology): Promise<string> {
  const id = newId(deps.clock.now())
  checkRoots(given.roots ?? [])
  await tx.query(
    `insert into ontology (id, title, roots, attributes, metadata, creator_id, updater_id) values ($1, $2, $3, $4, $5, $6, $6)`,
    [
      id,
      given.title ?? null,
      JSON.stringify(given.roots ?? []),
      JSON.stringify(given.attributes ?? []),
      JSON.stringify(mergeMetadata({}, given.metadata ?? {}, true)),
      caller.userId,
    ],
  )
  await setProjects(tx, 'ontology', id, given.projectIds)
  return id
}

/** Makes an ontology for the API. Errors: `access.forbidden` for a project the caller is no developer of, `ontology.invalid`. */
export async function createOntology(
  deps: Deps,
  caller: Caller,
  given: NewOntology,
  baseUrl: string,
): Promise<Ontology> {
  await requireDeveloper(deps.db, caller, given.projectIds)
  const id = await withTransaction(deps.db, (tx) => insertOntology(deps, tx, caller, given))
  return await readOntology(deps.db, id, baseUrl)
}

/** An ontology of one of the caller's projects. */
export async function getOntology(deps: Deps, caller: Caller, id: string, baseUrl: string): Promise<Ontology> {
  await requireRole(deps.db, caller, 'ontology', id, 'annotator')
  return await readOntology(deps.db, id, baseUrl)
}

/** A page of the ontologies of the caller's projects. */
export async function listOntologies(
  deps: Deps,
  caller: Caller,
  query: SharedListQuery,
  baseUrl: string,
): Promise<Page<Ontology>> {
  const page = await listShared<Row>(deps.db, caller, 'ontology', query)
  return { ...page, items: page.items.map((row) => render(row, baseUrl)) }
}

/**
 * Takes over an ontology as the SDK sends it: whole. What is not there stays; projects never change this way.
 *
 * The SDK's `attributes` are those of today where there are any, and those of the old kind otherwise; `metadata.attributes` tells which.
 */
export async function updateOntology(
  deps: Deps,
  caller: Caller,
  id: string,
  change: Omit<NewOntology, 'projectIds'> & { readonly withSystem: boolean },
  baseUrl: string,
): Promise<Ontology> {
  if (change.roots) checkRoots(change.roots)
  return await changeOntology(deps, caller, id, baseUrl, (row) => {
    const metadata = mergeMetadata(row.metadata, change.metadata ?? {}, change.withSystem)
    const isOfToday = Array.isArray(change.metadata?.attributes) && change.metadata.attributes.length > 0
    return {
      ...row,
      title: change.title === undefined ? row.title : change.title,
      roots: change.roots ? [...change.roots] : row.roots,
      attributes:
        isOfToday || change.attributes === undefined || change.attributes === null ? row.attributes : change.attributes,
      metadata,
    }
  })
}

/** Changes labels and, with `upsert`, adds missing ones; see `putLabels`. */
export async function updateLabels(
  deps: Deps,
  caller: Caller,
  id: string,
  given: { readonly nodes: readonly LabelNode[]; readonly upsert: boolean },
  baseUrl: string,
): Promise<Ontology> {
  return await changeOntology(deps, caller, id, baseUrl, (row) => ({
    ...row,
    roots: putLabels(row.roots, given.nodes, given.upsert),
  }))
}

/** Adds or changes attributes; see `putAttributes`. */
export async function updateAttributes(
  deps: Deps,
  caller: Caller,
  id: string,
  given: { readonly items: readonly AttributeInput[]; readonly upsert: boolean },
  baseUrl: string,
): Promise<Ontology> {
  return await changeOntology(deps, caller, id, baseUrl, (row) => ({
    ...row,
    metadata: { ...row.metadata, attributes: putAttributes(attributesOf(row), given.items, given.upsert) },
  }))
}

/** Deletes attributes by their keys. */
export async function deleteAttributes(
  deps: Deps,
  caller: Caller,
  id: string,
  keys: readonly string[],
  baseUrl: string,
): Promise<Ontology> {
  return await changeOntology(deps, caller, id, baseUrl, (row) => ({
    ...row,
    metadata: { ...row.metadata, attributes: dropAttributes(attributesOf(row), keys) },
  }))
}

/** Deletes an ontology and takes it out of the recipes that have it. */
export async function deleteOntology(deps: Deps, caller: Caller, id: string): Promise<void> {
  await requireRole(deps.db, caller, 'ontology', id, 'engineer')
  await withTransaction(deps.db, async (tx) => {
    await tx.query('delete from ontology where id = $1', [id])
    await tx.query('update recipe set ontology_ids = array_remove(ontology_ids, $1) where ontology_ids @> array[$1]', [
      id,
    ])
  })
}

/** Copies an ontology in the given transaction and answers the copy's id. */
export async function copyOntology(deps: Deps, tx: Db, caller: Caller, id: string): Promise<string | null> {
  const row = await findRow(tx, id)
  if (row === null) return null
  return await insertOntology(deps, tx, caller, { ...row, projectIds: row.project_ids })
}

/** Reads an ontology, changes it and writes it, with its row locked: of two changes at once neither is lost. */
async function changeOntology(
  deps: Deps,
  caller: Caller,
  id: string,
  baseUrl: string,
  change: (row: Row) => Row,
): Promise<Ontology> {
  await requireRole(deps.db, caller, 'ontology', id, 'engineer')
  return await withTransaction(deps.db, async (tx) => {
    await tx.query('select 1 from ontology where id = $1 for update', [id])
    const row = await findRow(tx, id)
    if (row === null) throw new AppError('ontology.not_found')
    const { title, roots, attributes, metadata } = change(row)
    await tx.query(
      `update ontology set title = $2, roots = $3, attributes = $4, metadata = $5, updater_id = $6, updated_at = now() where id = $1`,
      [id, title, JSON.stringify(roots), JSON.stringify(attributes), JSON.stringify(metadata), caller.userId],
    )
    return await readOntology(tx, id, baseUrl)
  })
}

/** What is given replaces what was there, part by part; the system part only on request, and without the projects, which are not kept in it. */
function mergeMetadata(stored: Row['metadata'], given: Json, withSystem: boolean): Row['metadata'] {
  const { system, ...rest } = given
  const { projectIds: _told, ...kept } = withSystem && isObject(system) ? system : (stored.system ?? {})
  return { ...stored, ...rest, system: kept }
}

function attributesOf(row: Row): Attribute[] {
  const { attributes } = row.metadata
  return Array.isArray(attributes) ? attributes.filter((one) => isObject(one) && typeof one.key === 'string') : []
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function findRow(db: Db, id: string): Promise<Row | null> {
  const { rows } = await db.query<Row>(
    `select ${sharedColumns('ontology')} ${sharedFrom('ontology')} where r.id = $1`,
    [id],
  )
  return rows[0] ?? null
}

async function readOntology(db: Db, id: string, baseUrl: string): Promise<Ontology> {
  const row = await findRow(db, id)
  if (row === null) throw new AppError('ontology.not_found')
  return render(row, baseUrl)
}

function render(row: Row, baseUrl: string): Ontology {
  return {
    id: row.id,
    title: row.title,
    creator: row.creator,
    url: `${baseUrl}/api/v1/ontologies/${row.id}`,
    roots: row.roots,
    attributes: row.attributes,
    metadata: {
      ...row.metadata,
      ...(row.metadata.attributes !== undefined && { attributes: row.metadata.attributes as unknown[] }),
      system: { ...row.metadata.system, projectIds: row.project_ids },
    } as Ontology['metadata'],
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    updatedBy: row.updater,
  }
}
