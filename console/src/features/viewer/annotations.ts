import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { Annotation } from '#contract/annotations.ts'
import { api } from '../../app/session.ts'
import { type Colours, useColours } from './labels.ts'

/** The annotations of an item, which of them are shown, and how. */
export interface Marked {
  readonly all: readonly Annotation[]
  /** Without those whose label is switched off. */
  readonly shown: readonly Annotation[]
  readonly isPending: boolean
  readonly error: unknown
  readonly retry: () => void
  readonly isShown: boolean
  readonly setShown: (isShown: boolean) => void
  readonly setNames: (hasNames: boolean) => void
  readonly hiddenLabels: ReadonlySet<string>
  readonly toggleLabel: (label: string) => void
  /** What the drawing wants besides. */
  readonly looks: {
    readonly colours: Colours
    readonly lit: string | null
    readonly hasNames: boolean
    readonly onLit: (id: string | null) => void
  }
}

/** Fetches the annotations of an item and keeps what somebody switched. */
export function useMarked(itemId: string, datasetId: string | undefined): Marked {
  const [isShown, setShown] = useState(true)
  const [hasNames, setNames] = useState(false)
  const [lit, onLit] = useState<string | null>(null)
  const [hiddenLabels, setHiddenLabels] = useState<ReadonlySet<string>>(new Set())
  const colours = useColours(datasetId)
  const answer = useQuery({
    queryKey: ['annotations', itemId],
    queryFn: ({ signal }) => api.listAnnotationsOf({ params: { itemId }, signal }),
    enabled: datasetId !== undefined,
  })
  const all = answer.data ?? none
  const shown = useMemo(
    () => (isShown ? all.filter(({ label }) => !hiddenLabels.has(label)) : none),
    [all, isShown, hiddenLabels],
  )
  const toggleLabel = (label: string) =>
    setHiddenLabels((before) => {
      const next = new Set(before)
      if (!next.delete(label)) next.add(label)
      return next
    })
  return {
    all,
    shown,
    isPending: answer.isPending,
    error: answer.error,
    retry: () => void answer.refetch(),
    isShown,
    setShown,
    setNames,
    hiddenLabels,
    toggleLabel,
    looks: { colours, lit, hasNames, onLit },
  }
}

const none: readonly Annotation[] = []
