import { z } from 'zod'
import { page } from './datasets.ts'
import { id, isoTime } from './fields.ts'
import { bounded } from './nesting.ts'
import { route } from './route.ts'

const params = z.object({ recipeId: id('recipe') })
const json = z.record(z.string(), z.unknown())
const title = z.string().max(1024).nullish()

/** Ids of projects; the SDK sends one of them without a list. */
export const projectIdList = z
  .union([z.array(z.string()), z.string()])
  .describe('Ids of the projects it belongs to, the first of them its home.')

/** How recipes and ontologies are listed; several ids are joined by commas. */
export const sharedListQuery = z.object({
  projects: z.string().optional().describe('Ids of projects; all of the caller’s without it.'),
  ids: z.string().optional(),
  title: z.string().optional().describe('The title; * stands for any characters.'),
  ontologies: z.string().optional().describe('Ids of ontologies; recipes that have one of them.'),
  creator: z.string().optional().describe('E-mail address.'),
  pageOffset: z.coerce.number().int().min(0).max(1_000_000).default(0).describe('Number of the page, from 0.'),
  pageSize: z.coerce.number().int().min(0).max(1000).default(1000),
})
export type SharedListQuery = z.output<typeof sharedListQuery>

/** A recipe with exactly the keys that the vendor's SDK compares: how a dataset is to be labelled, and with which ontologies. */
export const Recipe = z.object({
  id: z.string(),
  title: z.string().nullable(),
  creator: z.string(),
  url: z.string(),
  projectIds: z.array(z.string()),
  ontologyIds: z.array(z.string()),
  description: z.unknown(),
  instructions: z.unknown(),
  examples: z.unknown(),
  customActions: z.unknown(),
  uiSettings: z.unknown(),
  metadata: z.looseObject({ system: json }),
  createdAt: isoTime,
  updatedAt: isoTime,
  updatedBy: z.string(),
})
export type Recipe = z.output<typeof Recipe>

/** What people set in a recipe, kept as it comes. */
const settings = {
  description: z.unknown().optional(),
  instructions: z.unknown().optional(),
  examples: z.unknown().optional(),
  customActions: z.unknown().optional(),
  uiSettings: z.unknown().optional(),
}
const ontologyIds = z.array(z.string()).max(100).nullish()

/** Recipes. */
export const recipeRoutes = {
  createRecipe: route({
    method: 'POST',
    path: '/recipes',
    tag: 'Recipes',
    summary: 'Makes a recipe in projects in which the caller is a developer.',
    access: 'user',
    body: bounded(z.object({ title, projectIds: projectIdList, ontologyIds, metadata: json.nullish(), ...settings })),
    response: Recipe,
    errors: ['access.forbidden', 'ontology.not_found'],
  }),
  listRecipes: route({
    method: 'GET',
    path: '/recipes',
    tag: 'Recipes',
    summary: 'Lists recipes of the caller’s projects, oldest first.',
    access: 'user',
    query: sharedListQuery,
    response: page(Recipe),
    errors: [],
  }),
  getRecipe: route({
    method: 'GET',
    path: '/recipes/:recipeId',
    tag: 'Recipes',
    summary: 'Gets a recipe of one of the caller’s projects.',
    access: 'user',
    params,
    response: Recipe,
    errors: ['recipe.not_found'],
  }),
  updateRecipe: route({
    method: 'PATCH',
    path: '/recipes/:recipeId',
    tag: 'Recipes',
    summary: 'Changes a recipe; for developers. The SDK sends the whole recipe; what is read-only is ignored.',
    access: 'user',
    params,
    query: z.object({ system: z.string().optional().describe('“true” also changes metadata.system.') }),
    body: bounded(
      z.looseObject({
        title,
        projectIds: projectIdList.nullish(),
        ontologyIds,
        metadata: json.nullish(),
        ...settings,
      }),
    ),
    response: Recipe,
    errors: ['recipe.not_found', 'ontology.not_found', 'access.forbidden'],
  }),
  deleteRecipe: route({
    method: 'DELETE',
    path: '/recipes/:recipeId',
    tag: 'Recipes',
    summary: 'Deletes a recipe; one that datasets have only with force, and then they have it no more. For developers.',
    access: 'user',
    params,
    query: z.object({ force: z.string().optional().describe('“true” deletes it also when datasets have it.') }),
    response: z.object({ id: z.string() }),
    errors: ['recipe.not_found', 'recipe.in_use', 'access.forbidden'],
  }),
  cloneRecipe: route({
    method: 'POST',
    path: '/recipes/:recipeId/clone',
    tag: 'Recipes',
    summary: 'Makes a copy of a recipe: with copies of its ontologies, or, where it is shallow, with the same ones.',
    access: 'user',
    params,
    body: bounded(z.object({ shallow: z.boolean().default(false) })),
    bodyForms: ['empty'],
    response: Recipe,
    errors: ['recipe.not_found', 'access.forbidden'],
  }),
}
