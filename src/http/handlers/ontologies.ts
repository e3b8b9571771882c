import type { ontologyRoutes } from '#contract/ontologies.ts'
import {
  createOntology,
  deleteAttributes,
  deleteOntology,
  getOntology,
  listOntologies,
  updateAttributes,
  updateLabels,
  updateOntology,
} from '#core/recipes/recipes.ts'
import type { Handlers } from '../handler.ts'

/** Ontologies, their labels and attributes. */
export const ontologyHandlers: Handlers<typeof ontologyRoutes> = {
  createOntology: (deps, { caller, body, baseUrl }) =>
    createOntology(deps, caller, { ...body, projectIds: [body.projectIds].flat() }, baseUrl),
  listOntologies: (deps, { caller, query, baseUrl }) => listOntologies(deps, caller, query, baseUrl),
  getOntology: (deps, { caller, params, baseUrl }) => getOntology(deps, caller, params.ontologyId, baseUrl),
  updateOntology: (deps, { caller, params, query, body, baseUrl }) =>
    updateOntology(deps, caller, params.ontologyId, { ...body, withSystem: query.system === 'true' }, baseUrl),
  deleteOntology: async (deps, { caller, params }) => {
    await deleteOntology(deps, caller, params.ontologyId)
    return { id: params.ontologyId }
  },
  updateLabels: (deps, { caller, params, body, baseUrl }) =>
    updateLabels(deps, caller, params.ontologyId, { nodes: body.labelsNode, upsert: body.upsert }, baseUrl),
  updateAttributes: (deps, { caller, params, body, baseUrl }) =>
    updateAttributes(deps, caller, params.ontologyId, body, baseUrl),
  deleteAttributes: (deps, { caller, params, body, baseUrl }) =>
    deleteAttributes(deps, caller, params.ontologyId, body.keys, baseUrl),
}
