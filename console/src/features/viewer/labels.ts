import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { LabelRoot, Ontology } from '#contract/ontologies.ts'
import { api } from '../../app/session.ts'

/** Colours of labels by their full name; for labels without one, `colourOf` gives the same colour every time. */
export type Colours = ReadonlyMap<string, string>

/** Colours that are told apart on pictures, for labels without one. */
const palette = [
  '#e6194b',
  '#3cb44b',
  '#4363d8',
  '#f58231',
  '#911eb4',
  '#00a3a3',
  '#f032e6',
  '#808000',
  '#9a6324',
  '#1f7a8c',
  '#d4a017',
  '#5f5fff',
]

/** The colour a label is drawn in. */
export function colourOf(label: string, colours: Colours): string {
  const given = colours.get(label)
  if (given !== undefined) return given
  let hash = 0
  for (let i = 0; i < label.length; i++) hash = (hash * 31 + label.charCodeAt(i)) >>> 0
  return palette[hash % palette.length]!
}

/** The colours of an ontology's labels by their full names, parents and label joined by dots. What is no `#rrggbb` is left out. */
export function coloursOf(roots: readonly LabelRoot[], above = ''): [string, string][] {
  return roots.flatMap(({ value, children }) => {
    const name = above === '' ? value.tag : `${above}.${value.tag}`
    const own: [string, string][] = /^#([\da-f]{3}|[\da-f]{6})$/i.test(value.color ?? '') ? [[name, value.color!]] : []
    return [...own, ...coloursOf(children ?? [], name)]
  })
}

/** The colours that the recipes of a dataset give to labels; empty until they are known, and where nobody gave any. */
export function useColours(datasetId: string | undefined): Colours {
  const dataset = useQuery({
    queryKey: ['dataset', datasetId],
    queryFn: ({ signal }) => api.getDataset({ params: { datasetId: datasetId! }, signal }),
    enabled: datasetId !== undefined,
  })
  const given = dataset.data?.metadata.system.recipes
  const recipeIds = Array.isArray(given) ? given.filter((id): id is string => typeof id === 'string') : []
  const recipes = useQueries({
    queries: recipeIds.map((recipeId) => ({
      queryKey: ['recipe', recipeId],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.getRecipe({ params: { recipeId }, signal }),
      staleTime: 60_000,
    })),
  })
  const ontologyIds = [...new Set(recipes.flatMap(({ data }) => data?.ontologyIds ?? []))]
  const pairs = useQueries({
    queries: ontologyIds.map((ontologyId) => ({
      queryKey: ['ontology', ontologyId],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.getOntology({ params: { ontologyId }, signal }),
      staleTime: 60_000,
    })),
    combine: pairsOf,
  })
  return useMemo(() => new Map(pairs), [pairs])
}

/** Outside of the component, so that equal answers stay the same list and nothing is drawn again. */
function pairsOf(answers: readonly { readonly data?: Ontology | undefined }[]): [string, string][] {
  return answers.flatMap(({ data }) => coloursOf(data?.roots ?? []))
}
