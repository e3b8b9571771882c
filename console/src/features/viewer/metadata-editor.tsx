import { Alert, Button, Group, JsonInput, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import { useIsDeveloper } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatTime } from '../../ui/format.ts'
import { Reasoned } from '../../ui/reasoned.tsx'
import { toast } from '../../ui/toasts.tsx'
import { isSame, mergePatchOf, readMetadata } from './metadata-patch.ts'

type Json = Readonly<Record<string, unknown>>

const userOf = (item: Item): Json => (item.metadata as { user?: Json }).user ?? {}
const written = (value: Json) => (Object.keys(value).length === 0 ? '' : JSON.stringify(value, null, 2))

/** The metadata people gave an item, to read and to change; what Sluice itself knows is in the facts. */
export function MetadataEditor({ item }: { item: Item }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const reason = useReason(item.datasetId)
  // What the change began from: another window may save meanwhile.
  const [base, setBase] = useState(() => userOf(item))
  const [text, setText] = useState(() => written(base))
  const [theirs, setTheirs] = useState<Item | null>(null)
  const read = readMetadata(text)
  const fault = useFault(read)
  const patch = 'value' in read ? mergePatchOf(base, read.value) : undefined
  const isChanged = 'fault' in read || patch !== undefined
  useBlocker({
    shouldBlockFn: () => isChanged && !window.confirm(t('viewer.meta.leave')),
    enableBeforeUnload: isChanged,
  })
  const begin = (from: Item) => {
    setBase(userOf(from))
    setText(written(userOf(from)))
    setTheirs(null)
  }
  const save = useMutation({
    mutationFn: async ({ isForced }: { isForced: boolean }) => {
      const now = await api.getItem({ params: { itemId: item.id } })
      if (!isForced && !isSame(userOf(now), base)) return { conflict: now }
      return { saved: await api.updateItem({ params: { itemId: item.id }, body: { metadata: { user: patch ?? {} } } }) }
    },
    onSuccess: ({ conflict, saved }) => {
      if (conflict !== undefined) return setTheirs(conflict)
      queries.setQueryData(['item', item.id], saved)
      begin(saved)
      void queries.invalidateQueries({ queryKey: ['items', item.datasetId] })
      toast(t('viewer.meta.saved'))
    },
  })
  // Somebody else's change comes in unasked, unless one is being written here.
  if (!isChanged && !isSame(userOf(item), base)) begin(item)
  return (
    <Stack gap="sm">
      <JsonInput
        label={t('viewer.meta.label')}
        description={t('viewer.meta.hint')}
        placeholder={'{\n  "weather": "rain"\n}'}
        value={text}
        onChange={setText}
        readOnly={reason !== null}
        autosize
        minRows={8}
        maxRows={30}
        spellCheck={false}
        error={fault}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
      {theirs !== null && (
        <Alert color="yellow" role="alert" title={t('viewer.meta.conflict')}>
          <Text size="sm">
            {t('viewer.meta.conflictText', { who: theirs.updatedBy, time: formatTime(theirs.updatedAt) })}
          </Text>
          <Group gap="xs" mt="xs">
            <Button size="xs" onClick={() => save.mutate({ isForced: true })} loading={save.isPending}>
              {t('viewer.meta.keepMine')}
            </Button>
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                queries.setQueryData(['item', item.id], theirs)
                begin(theirs)
              }}
            >
              {t('viewer.meta.takeTheirs')}
            </Button>
          </Group>
        </Alert>
      )}
      <FormProblem error={save.error} />
      <Group gap="xs">
        <Reasoned reason={reason}>
          <Button
            onClick={() => save.mutate({ isForced: false })}
            disabled={reason !== null || patch === undefined}
            loading={save.isPending}
          >
            {t('actions.save')}
          </Button>
        </Reasoned>
        {isChanged && (
          <Button variant="default" onClick={() => begin(item)}>
            {t('viewer.meta.reset')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}

/** Why the metadata cannot be changed; null: it can. */
function useReason(datasetId: string): string | null {
  const { t } = useTranslation()
  const dataset = useQuery({
    queryKey: ['dataset', datasetId],
    queryFn: ({ signal }) => api.getDataset({ params: { datasetId }, signal }),
  })
  const isDeveloper = useIsDeveloper(dataset.data?.projects[0])
  if (dataset.data?.readonly === true) return t('viewer.meta.readonly')
  return dataset.isPending || isDeveloper ? null : t('viewer.meta.developersOnly')
}

/** What is wrong with what was written, in words; null: nothing. */
function useFault(read: ReturnType<typeof readMetadata>): string | null {
  const { t } = useTranslation()
  if (!('fault' in read)) return null
  if (read.fault === 'syntax') return t('viewer.meta.syntax', { message: read.message })
  if (read.fault === 'notObject') return t('viewer.meta.notObject')
  return read.fault === 'null'
    ? t('viewer.meta.null', { path: read.path })
    : t('viewer.meta.number', { path: read.path })
}
