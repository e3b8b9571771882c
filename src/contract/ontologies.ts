import { z } from 'zod'
import { page } from './datasets.ts'
import { id, isoTime } from './fields.ts'
import { bounded } from './nesting.ts'
import { projectIdList, sharedListQuery } from './recipes.ts'
import { route } from './route.ts'

const params = z.object({ ontologyId: id('ontology') })
const json = z.record(z.string(), z.unknown())
const system = z.object({ system: z.string().optional().describe('“true” also changes metadata.system.') })
/** An ontology of thousands of labels is a few megabytes. */
const BODY_BYTES_MAX = 16 * 1024 * 1024

const shown = {
  color: z.string().max(64).nullish().describe('#rrggbb.'),
  attributes: z.array(z.unknown()).nullish(),
  displayLabel: z.string().max(1024).nullish().describe('What people see instead of the tag.'),
  displayData: json.nullish().describe('For example displayImage: the item whose picture is the label’s icon.'),
}

/** What a label is; what callers add of their own is kept. */
export const LabelValue = z.looseObject({ tag: z.string().min(1), ...shown })
export type LabelValue = z.output<typeof LabelValue>

/** A label with the labels below it. */
export interface LabelRoot {
  readonly value: LabelValue
  readonly children?: readonly LabelRoot[] | null | undefined
}
export const LabelRoot: z.ZodType<LabelRoot, LabelRoot> = z.looseObject({
  value: LabelValue,
  get children() {
    return z.array(LabelRoot).nullish()
  },
})

/** A label by its full name, as it is added or changed. */
export const LabelNode = z.looseObject({
  tag: z.string().min(1).max(20_000).describe('Full name: parents and label joined by dots.'),
  ...shown,
})
export type LabelNode = z.output<typeof LabelNode>

const range = z.object({ min: z.number().nullish(), max: z.number().nullish(), step: z.number().nullish() })
const attributeKey = z.string().min(1).max(256)

/** An attribute as it is added or changed. */
export const AttributeInput = z.object({
  title: z.string().min(1).max(4096),
  key: attributeKey,
  type: z
    .enum(['options', 'range', 'boolean', 'freeText', 'checkbox', 'radio_button'])
    .describe(
      'options with multi true (check boxes) or false (radio buttons), range (slider), boolean (yes or no), freeText.',
    ),
  scope: z.array(z.string()).max(20_000).nullish().describe('Labels it is for; “*” for all.'),
  optional: z.boolean().nullish(),
  multi: z.boolean().nullish(),
  values: z.array(z.string()).max(10_000).nullish().describe('The choices; texts.'),
  range: range.nullish(),
})
export type AttributeInput = z.output<typeof AttributeInput>

/** An attribute as it is read back, under `metadata.attributes`. */
export const Attribute = z.looseObject({
  key: z.string(),
  type: z.string(),
  scope: z.array(z.string()).optional(),
  optional: z.boolean().nullish(),
  multi: z.boolean().nullish(),
  values: z.array(z.unknown()).nullish(),
  range: range.nullish(),
  scriptData: json.optional(),
})
export type Attribute = z.output<typeof Attribute>

/** What may be labelled: a tree of labels, and attributes that describe them. */
export const Ontology = z.object({
  id: z.string(),
  title: z.string().nullable(),
  creator: z.string(),
  url: z.string(),
  roots: z.array(LabelRoot),
  attributes: z.unknown().describe('Attributes of the old kind, as they were given.'),
  metadata: z.looseObject({
    system: z.looseObject({ projectIds: z.array(z.string()) }),
    attributes: z.array(z.unknown()).optional().describe('Attributes of today; absent until there is one.'),
  }),
  createdAt: isoTime,
  updatedAt: isoTime,
  updatedBy: z.string(),
})
export type Ontology = z.output<typeof Ontology>

const title = z.string().max(1024).nullish()

/** Ontologies, their labels and attributes. */
export const ontologyRoutes = {
  createOntology: route({
    method: 'POST',
    path: '/ontologies',
    tag: 'Recipes',
    summary: 'Makes an ontology in projects in which the caller is a developer.',
    access: 'user',
    bodyBytesMax: BODY_BYTES_MAX,
    body: bounded(
      z.object({
        roots: z.array(LabelRoot).nullish(),
        projectIds: projectIdList,
        // The SDK passes on whatever a script gives it, also a text.
        attributes: z.unknown().optional(),
        title,
        metadata: json.nullish(),
      }),
    ),
    response: Ontology,
    errors: ['access.forbidden', 'ontology.invalid'],
  }),
  listOntologies: route({
    method: 'GET',
    path: '/ontologies',
    tag: 'Recipes',
    summary: 'Lists ontologies of the caller’s projects, oldest first.',
    access: 'user',
    query: sharedListQuery,
    response: page(Ontology),
    errors: [],
  }),
  getOntology: route({
    method: 'GET',
    path: '/ontologies/:ontologyId',
    tag: 'Recipes',
    summary: 'Gets an ontology of one of the caller’s projects.',
    access: 'user',
    params,
    response: Ontology,
    errors: ['ontology.not_found', 'request.invalid'],
  }),
  updateOntology: route({
    method: 'PUT',
    path: '/ontologies/:ontologyId',
    tag: 'Recipes',
    summary:
      'Replaces an ontology’s labels, attributes, title and metadata by what is given; for developers. The SDK sends the whole ontology; what is read-only is ignored.',
    access: 'user',
    bodyBytesMax: BODY_BYTES_MAX,
    params,
    query: system,
    body: bounded(
      z.looseObject({
        roots: z.array(LabelRoot).nullish(),
        attributes: z.unknown().optional(),
        title,
        metadata: json.nullish(),
      }),
    ),
    response: Ontology,
    errors: ['ontology.not_found', 'ontology.invalid', 'access.forbidden'],
  }),
  deleteOntology: route({
    method: 'DELETE',
    path: '/ontologies/:ontologyId',
    tag: 'Recipes',
    summary: 'Deletes an ontology and takes it out of the recipes that have it; for developers.',
    access: 'user',
    params,
    response: z.object({ id: z.string() }),
    errors: ['ontology.not_found', 'request.invalid', 'access.forbidden'],
  }),
  updateLabels: route({
    method: 'PATCH',
    path: '/ontologies/:ontologyId/labels',
    tag: 'Recipes',
    summary: 'Changes labels by their full names, and with upsert adds those that are missing; for developers.',
    access: 'user',
    bodyBytesMax: BODY_BYTES_MAX,
    params,
    body: bounded(z.object({ labelsNode: z.array(LabelNode).max(20_000), upsert: z.boolean().default(false) })),
    response: Ontology,
    errors: ['ontology.not_found', 'ontology.label_not_found', 'ontology.invalid', 'access.forbidden'],
  }),
  updateAttributes: route({
    method: 'PATCH',
    path: '/ontologies/:ontologyId/attributes',
    tag: 'Recipes',
    summary: 'Adds attributes, or with upsert changes those that have the same key; for developers.',
    access: 'user',
    bodyBytesMax: BODY_BYTES_MAX,
    params,
    body: bounded(z.object({ items: z.array(AttributeInput).min(1).max(1_000), upsert: z.boolean().default(false) })),
    response: Ontology,
    errors: ['ontology.not_found', 'ontology.invalid', 'access.forbidden'],
  }),
  deleteAttributes: route({
    method: 'DELETE',
    path: '/ontologies/:ontologyId/attributes',
    tag: 'Recipes',
    summary: 'Deletes attributes by their keys; keys that name none are no fault. For developers.',
    access: 'user',
    params,
    body: bounded(z.object({ keys: z.array(attributeKey).max(1_000) })),
    response: Ontology,
    errors: ['ontology.not_found', 'access.forbidden'],
  }),
}
