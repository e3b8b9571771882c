import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { refreshDataset } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { toast } from '../../ui/toasts.tsx'

/** Gives a dataset another name. */
export function RenameDataset({ dataset, close }: { dataset: Dataset; close: () => void }) {
  const { t } = useTranslation()
  const [name, setName] = useState(dataset.name)
  const rename = useMutation({
    mutationFn: () => api.updateDataset({ params: { datasetId: dataset.id }, body: { name } }),
    onSuccess: () => {
      refreshDataset(dataset.id)
      toast(t('datasets.renamed', { name }))
      close()
    },
  })
  const isReady = name.trim() !== '' && name !== dataset.name
  return (
    <Modal
      opened
      onClose={close}
      title={t('datasets.renameTitle', { name: dataset.name })}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) rename.mutate()
        }}
      >
        <Stack>
          <TextInput
            label={t('datasets.newName')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <FormProblem error={rename.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" loading={rename.isPending} disabled={!isReady}>
              {t('actions.rename')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
