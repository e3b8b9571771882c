import { Button, Checkbox, Group, List, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { followCommand } from '../../app/command.ts'
import { refreshDataset } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatCount } from '../../ui/format.ts'
import { toast } from '../../ui/toasts.tsx'

/** Merges datasets into a new one. */
export function MergeDatasets({
  datasets,
  close,
  started,
}: {
  datasets: readonly Dataset[]
  close: () => void
  started: () => void
}) {
  const { t } = useTranslation()
  const [name, setName] = useState(t('datasets.merge.defaultName', { name: datasets[0]?.name ?? '' }))
  const [withAnnotations, setAnnotations] = useState(true)
  const [withMetadata, setMetadata] = useState(true)
  const merge = useMutation({
    mutationFn: () =>
      api.mergeDatasets({
        body: {
          name,
          datasetsIds: datasets.map(({ id }) => id),
          projectIds: datasets[0]!.projects,
          mergeDatasetParams: { withItemsAnnotations: withAnnotations, withMetadata },
        },
      }),
    onSuccess: (command) => {
      started()
      toast(t('datasets.merge.started'))
      void followCommand(command)
        .then(() => {
          refreshDataset('')
          toast(t('datasets.merge.done', { name }))
        })
        .catch((error: Error) => toast(t('datasets.merge.failed', { reason: error.message }), 'failed'))
    },
  })
  return (
    <Modal
      opened
      onClose={close}
      title={t('datasets.merge.title', { count: datasets.length })}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (name.trim() !== '') merge.mutate()
        }}
      >
        <Stack>
          <Text size="sm">{t('datasets.merge.text')}</Text>
          <List size="sm" mah="10rem" style={{ overflow: 'auto' }}>
            {datasets.map((dataset) => (
              <List.Item key={dataset.id} className="name">
                {dataset.name} ·{' '}
                {t('datasets.items', { count: dataset.itemsCount, shown: formatCount(dataset.itemsCount) })}
              </List.Item>
            ))}
          </List>
          <TextInput
            label={t('datasets.merge.name')}
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
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
          <FormProblem error={merge.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" loading={merge.isPending} disabled={name.trim() === ''}>
              {t('datasets.merge.deed')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
