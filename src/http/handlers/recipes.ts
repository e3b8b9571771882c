import type { recipeRoutes } from '#contract/recipes.ts'
import { cloneRecipe, createRecipe, deleteRecipe, getRecipe, listRecipes, updateRecipe } from '#core/recipes/recipes.ts'
import type { Handlers } from '../handler.ts'

/** Recipes. */
export const recipeHandlers: Handlers<typeof recipeRoutes> = {
  createRecipe: (deps, { caller, body, baseUrl }) =>
    createRecipe(deps, caller, { ...body, projectIds: [body.projectIds].flat() }, baseUrl),
  listRecipes: (deps, { caller, query, baseUrl }) => listRecipes(deps, caller, query, baseUrl),
  getRecipe: (deps, { caller, params, baseUrl }) => getRecipe(deps, caller, params.recipeId, baseUrl),
  updateRecipe: (deps, { caller, params, query, body, baseUrl }) => {
    const { projectIds, ...rest } = body
    const change = {
      ...rest,
      ...(projectIds != null && { projectIds: [projectIds].flat() }),
      withSystem: query.system === 'true',
    }
    return updateRecipe(deps, caller, params.recipeId, change, baseUrl)
  },
  deleteRecipe: async (deps, { caller, params, query }) => {
    await deleteRecipe(deps, caller, params.recipeId, query.force === 'true')
    return { id: params.recipeId }
  },
  cloneRecipe: (deps, { caller, params, body, baseUrl }) =>
    cloneRecipe(deps, caller, params.recipeId, body.shallow, baseUrl),
}
