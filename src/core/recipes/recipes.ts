import type { Recipe, SharedListQuery } from '#contract/recipes.ts'
import { type Db, withTransaction } from '#db/connect.ts'
import { AppError } from '#lib/app-error.ts'
import { isId, newId } from '#lib/ids.ts'
import type { Caller, Deps } from '../deps.ts'
import { requireDeveloper, requireRole, setProjects } from './membership.ts'
import { copyOntology, insertOntology } from './ontologies.ts'
import { listShared, type Page, sharedColumns, sharedFrom } from './shared-list.ts'

export {
  createOntology,
  deleteAttributes,
  deleteOntology,
  getOntology,
  listOntologies,
  updateAttributes,
  updateLabels,
  updateOntology,
} from './ontologies.ts'

type Json = Readonly<Record<string, unknown>>

const settingNames = ['description', 'instructions', 'examples', 'customActions', 'uiSettings'] as const
type Settings = { readonly [Name in (typeof settingNames)[number]]?: unknown }
const noSettings: Settings = {
  description: null,
  instructions: null,
  examples: [],
  customActions: [],
  uiSettings: {},
}

/** What a recipe is made of. */
export interface NewRecipe extends Settings {
  readonly title?: string | null | undefined
  readonly projectIds: readonly string[]
  readonly ontologyIds?: readonly string[] | null | undefined
  readonly metadata?: Json | null | undefined
}

interface Row {
  readonly id: string
  readonly title: string | null
  readonly ontology_ids: string[]
  readonly settings: Settings
  readonly metadata: Json & { readonly system?: Json }
  readonly creator: string
  readonly updater: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly project_ids: string[]
}

/**
 * Makes the recipe that a new dataset gets, with an empty ontology, in the transaction that makes the dataset; answers the recipe's id.
 *
 * That the caller may make a dataset in the project is checked already by whoever calls this; it is for the maker of the dataset to put the id into
 * `metadata.system.recipes`.
 */
export async function createDefaultRecipe(
  deps: Deps,
  tx: Db,
  caller: Caller,
  { projectId, datasetName }: { readonly projectId: string; readonly datasetName: string },
): Promise<string> {
  const ontologyId = await insertOntology(deps, tx, caller, {
    title: `${datasetName} Default Ontology`,
    projectIds: [projectId],
  })
  return await insertRecipe(deps, tx, caller, {
    title: `${datasetName} Default Recipe`,
    projectIds: [projectId],
    ontologyIds: [ontologyId],
  })
}

/** Makes a recipe for the API. Errors: `access.forbidden` for a project the caller is no developer of, `ontology.not_found`. */
export async function createRecipe(deps: Deps, caller: Caller, given: NewRecipe, baseUrl: string): Promise<Recipe> {
  await requireDeveloper(deps.db, caller, given.projectIds)
  const id = await withTransaction(deps.db, async (tx) => {
    for (const ontologyId of given.ontologyIds ?? []) await requireRole(tx, caller, 'ontology', ontologyId, 'annotator')
    return await insertRecipe(deps, tx, caller, given)
  })
  return await readRecipe(deps.db, id, baseUrl)
}

/** A recipe of one of the caller's projects. */
export async function getRecipe(deps: Deps, caller: Caller, id: string, baseUrl: string): Promise<Recipe> {
  await requireRole(deps.db, caller, 'recipe', id, 'annotator')
  return await readRecipe(deps.db, id, baseUrl)
}

/** A page of the recipes of the caller's projects. */
export async function listRecipes(
  deps: Deps,
  caller: Caller,
  query: SharedListQuery,
  baseUrl: string,
): Promise<Page<Recipe>> {
  const page = await listShared<Row>(deps.db, caller, 'recipe', query)
  return { ...page, items: page.items.map((row) => render(row, baseUrl)) }
}

/** Takes over a recipe as the SDK sends it: whole. What is not there stays; `metadata.system` changes only on request. */
export async function updateRecipe(
  deps: Deps,
  caller: Caller,
  id: string,
  change: Omit<NewRecipe, 'projectIds'> & {
    readonly projectIds?: readonly string[] | undefined
    readonly withSystem: boolean
  },
  baseUrl: string,
): Promise<Recipe> {
  await requireRole(deps.db, caller, 'recipe', id, 'engineer')
  return await withTransaction(deps.db, async (tx) => {
    await tx.query('select 1 from recipe where id = $1 for update', [id])
    const row = await findRow(tx, id)
    if (row === null) throw new AppError('recipe.not_found')
    await changeProjects(tx, caller, row, change.projectIds)
    const { system, ...rest } = change.metadata ?? {}
    const metadata = { ...row.metadata, ...rest, ...(change.withSystem && isObject(system) && { system }) }
    const ontologyIds = change.ontologyIds
      ? await usableOntologies(tx, caller, row.ontology_ids, change.ontologyIds)
      : row.ontology_ids
    await tx.query(
      `update recipe set title = $2, ontology_ids = $3, settings = $4, metadata = $5, updater_id = $6, updated_at = now() where id = $1`,
      [
        id,
        change.title === undefined ? row.title : change.title,
        ontologyIds,
        JSON.stringify({ ...row.settings, ...settingsOf(change) }),
        JSON.stringify(metadata),
        caller.userId,
      ],
    )
    return await readRecipe(tx, id, baseUrl)
  })
}

/**
 * Deletes a recipe; its ontologies stay. One that datasets have is refused with `recipe.in_use`, unless `force`: then they have it no more.
 *
 * Only datasets of the recipe's own projects are looked at: others cannot have it.
 */
export async function deleteRecipe(deps: Deps, caller: Caller, id: string, force: boolean): Promise<void> {
  await requireRole(deps.db, caller, 'recipe', id, 'engineer')
  await withTransaction(deps.db, async (tx) => {
    const using = `project_id in (select project_id from recipe_project where recipe_id = $1)
      and metadata -> 'system' -> 'recipes' @> jsonb_build_array($1::text)`
    if (force) {
      await tx.query(
        `update dataset set metadata = jsonb_set(metadata, '{system,recipes}', (metadata -> 'system' -> 'recipes') - $1::text) where ${using}`,
        [id],
      )
    } else {
      const { rows } = await tx.query<{ name: string }>(
        `select name from dataset where ${using} order by name limit 10`,
        [id],
      )
      if (rows.length > 0) throw new AppError('recipe.in_use', { details: { datasets: rows.map(({ name }) => name) } })
    }
    await tx.query('delete from recipe where id = $1', [id])
  })
}

/** Copies a recipe: with copies of its ontologies, or with the same ones where `shallow`. */
export async function cloneRecipe(
  deps: Deps,
  caller: Caller,
  id: string,
  shallow: boolean,
  baseUrl: string,
): Promise<Recipe> {
  await requireRole(deps.db, caller, 'recipe', id, 'engineer')
  return await withTransaction(deps.db, async (tx) => {
    const row = await findRow(tx, id)
    if (row === null) throw new AppError('recipe.not_found')
    let ontologyIds = row.ontology_ids
    if (!shallow) {
      ontologyIds = []
      for (const ontologyId of row.ontology_ids) {
        const copy = await copyOntology(deps, tx, caller, ontologyId)
        if (copy !== null) ontologyIds.push(copy)
      }
    }
    const copyId = await insertRecipe(deps, tx, caller, {
      ...row.settings,
      title: row.title,
      metadata: row.metadata,
      projectIds: row.project_ids,
      ontologyIds,
    })
    return await readRecipe(tx, copyId, baseUrl)
  })
}

/**
 * For the clockwork: deletes recipes and ontologies whose last project was deleted; nobody can see them any more. Those that are made at this moment are not
 * among them: they and their projects are committed together.
 */
export async function sweepRecipes(db: Db): Promise<void> {
  for (const kind of ['recipe', 'ontology'] as const) {
    await db.query(`delete from ${kind} r where not exists (select 1 from ${kind}_project x where x.${kind}_id = r.id)`)
  }
}

async function insertRecipe(deps: Deps, tx: Db, caller: Caller, given: NewRecipe): Promise<string> {
  const id = newId(deps.clock.now())
  const metadata = { ...given.metadata, system: isObject(given.metadata?.system) ? given.metadata.system : {} }
  await tx.query(
    `insert into recipe (id, title, ontology_ids, settings, metadata, creator_id, updater_id) values ($1, $2, $3, $4, $5, $6, $6)`,
    [
      id,
      given.title ?? null,
      [...new Set(given.ontologyIds ?? [])],
      JSON.stringify({ ...noSettings, ...settingsOf(given) }),
      JSON.stringify(metadata),
      caller.userId,
    ],
  )
  await setProjects(tx, 'recipe', id, given.projectIds)
  return id
}

/** Nobody brings a recipe into a project, or takes it out of one, where they are no developer. */
async function changeProjects(tx: Db, caller: Caller, row: Row, wanted: readonly string[] | undefined): Promise<void> {
  if (wanted === undefined) return
  const moved = [
    ...wanted.filter((id) => !row.project_ids.includes(id)),
    ...row.project_ids.filter((id) => !wanted.includes(id)),
  ]
  if (moved.length > 0) await requireDeveloper(tx, caller, moved)
  if (wanted.length === 0) throw new AppError('request.invalid', { message: 'projectIds names no project.' })
  await setProjects(tx, 'recipe', row.id, wanted)
}

/**
 * The ontologies a recipe is to have. One that was deleted meanwhile is left out: the SDK still sends it with its copy of the recipe. One that the recipe
 * has not had must be one the caller sees.
 */
async function usableOntologies(
  tx: Db,
  caller: Caller,
  before: readonly string[],
  wanted: readonly string[],
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>('select id from ontology where id = any($1)', [wanted])
  const existing = new Set(rows.map(({ id }) => id))
  const usable: string[] = []
  for (const id of new Set(wanted)) {
    if (!isId(id)) throw new AppError('ontology.not_found')
    if (!existing.has(id)) continue
    if (!before.includes(id)) await requireRole(tx, caller, 'ontology', id, 'annotator')
    usable.push(id)
  }
  return usable
}

function settingsOf(given: Settings): Settings {
  return Object.fromEntries(settingNames.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]))
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function findRow(db: Db, id: string): Promise<Row | null> {
  const { rows } = await db.query<Row>(`select ${sharedColumns('recipe')} ${sharedFrom('recipe')} where r.id = $1`, [
    id,
  ])
  return rows[0] ?? null
}

async function readRecipe(db: Db, id: string, baseUrl: string): Promise<Recipe> {
  const row = await findRow(db, id)
  if (row === null) throw new AppError('recipe.not_found')
  return render(row, baseUrl)
}

function render(row: Row, baseUrl: string): Recipe {
  const { description, instructions, examples, customActions, uiSettings } = { ...noSettings, ...row.settings }
  return {
    id: row.id,
    title: row.title,
    creator: row.creator,
    url: `${baseUrl}/api/v1/recipes/${row.id}`,
    projectIds: row.project_ids,
    ontologyIds: row.ontology_ids,
    description,
    instructions,
    examples,
    customActions,
    uiSettings,
    metadata: { ...row.metadata, system: row.metadata.system ?? {} },
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    updatedBy: row.updater,
  }
}
