import { Button, Checkbox, Group, Modal, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { FormProblem } from '../ui/form-problem.tsx'
import { toast } from '../ui/toasts.tsx'
import { followCommand } from './command.ts'
import { refreshDataset } from './item-pages.ts'
import { api } from './session.ts'

/** Clones a dataset, or the items that a query finds in it, to a new dataset or to one that may take them; from the browser and the list of datasets. */
export function CloneDialog({
  dataset,
  filter,
  what,
  close,
}: {
  dataset: Dataset
  /** A query; the whole dataset without. */
  filter?: Record<string, unknown>
  /** How many items of it, in words. */
  what?: string
  close: () => void
}) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const [isNew, setNew] = useState(true)
  const [name, setName] = useState(t('clone.defaultName', { name: dataset.name }))
  const [target, setTarget] = useState<string | null>(null)
  const [folder, setFolder] = useState('')
  const [withAnnotations, setAnnotations] = useState(true)
  const [withMetadata, setMetadata] = useState(true)
  const targets = useTargets(dataset)
  const clone = useMutation({
    mutationFn: () =>
      api.cloneDataset({
        params: { datasetId: dataset.id },
        body: {
          ...(isNew && { name }),
          ...(filter !== undefined && { filter }),
          cloneDatasetParams: {
            withItemsAnnotations: withAnnotations,
            withMetadata,
            ...(folder !== '' && { targetDirectory: folder }),
            ...(!isNew && { targetDatasetId: target }),
          },
        },
      }),
    onSuccess: (command) => {
      close()
      toast(t('clone.started'))
      void followCommand(command)
        .then(({ spec }) => {
          const made = isNew ? returnedId(spec) : target
          if (made !== null) refreshDataset(made)
          toast(t('clone.done', { name: isNew ? name : (targets.find(({ id }) => id === target)?.name ?? '') }))
          if (isNew && made !== null && filter === undefined)
            void navigate({ to: '/datasets/$datasetId', params: { datasetId: made } })
        })
        .catch((error: Error) => toast(t('clone.failed', { reason: error.message }), 'failed'))
    },
  })
  const isReady = isNew ? name.trim() !== '' : target !== null
  return (
    <Modal
      opened
      onClose={close}
      title={what === undefined ? t('clone.title', { name: dataset.name }) : t('clone.titleItems', { what })}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) clone.mutate()
        }}
      >
        <Stack>
          <Text size="sm">{t('clone.text')}</Text>
          <SegmentedControl
            aria-label={t('clone.target')}
            data={[
              { value: 'new', label: t('clone.newDataset') },
              { value: 'existing', label: t('clone.existing'), disabled: targets.length === 0 },
            ]}
            value={isNew ? 'new' : 'existing'}
            onChange={(value) => setNew(value === 'new')}
          />
          {targets.length === 0 && (
            <Text size="xs" c="dimmed">
              {t('clone.noTargets')}
            </Text>
          )}
          {isNew ? (
            <TextInput
              label={t('clone.name')}
              required
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
          ) : (
            <Select
              label={t('clone.existing')}
              required
              searchable
              data={targets.map(({ id, name: label }) => ({ value: id, label }))}
              value={target}
              onChange={setTarget}
            />
          )}
          <TextInput
            label={t('clone.folder')}
            description={t('clone.folderHint')}
            value={folder}
            onChange={(event) => setFolder(event.currentTarget.value)}
          />
          <Checkbox
            label={t('clone.annotations')}
            checked={withAnnotations}
            onChange={(event) => setAnnotations(event.currentTarget.checked)}
          />
          <Checkbox
            label={t('clone.metadata')}
            checked={withMetadata}
            onChange={(event) => setMetadata(event.currentTarget.checked)}
          />
          <FormProblem error={clone.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" loading={clone.isPending} disabled={!isReady}>
              {t('clone.deed')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Datasets of the project that may take clones of this one: of the same storage, and not bound to it themselves. */
function useTargets(dataset: Dataset): Dataset[] {
  const projectId = dataset.projects[0]!
  const { data } = useQuery({
    queryKey: ['datasets', projectId],
    queryFn: ({ signal }) =>
      api.queryDatasets({ body: { filter: {}, context: { projects: [projectId] } } as never, signal }),
  })
  return (data?.items ?? []).filter(
    ({ id, driver, readonly, readableType }) =>
      id !== dataset.id && driver === dataset.driver && !readonly && (driver === null || readableType !== 'master'),
  )
}

function returnedId(spec: Record<string, unknown>): string | null {
  const { returnedModelId } = spec
  return typeof returnedModelId === 'string' ? returnedModelId : null
}
