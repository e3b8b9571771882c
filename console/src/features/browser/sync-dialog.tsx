import { Button, Checkbox, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { refreshDataset } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { toast } from '../../ui/toasts.tsx'

/** Asks before a sync, with what one has to know about it (MS-03). */
export function SyncDialog({ dataset, close }: { dataset: Dataset; close: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const [forceRescan, setForceRescan] = useState(false)
  const driver = useQuery({
    queryKey: ['driver', dataset.driver],
    queryFn: ({ signal }) => api.getDriver({ params: { driverId: dataset.driver! }, signal }),
    enabled: dataset.driver !== null,
  })
  const start = useMutation({
    mutationFn: (options: { dryRun?: true }) =>
      api.syncDataset({ params: { datasetId: dataset.id }, body: { ...(forceRescan && { forceRescan }), ...options } }),
    onSuccess: (command, { dryRun }) => {
      close()
      refreshDataset(dataset.id)
      if (dryRun === true)
        void navigate({
          to: '/datasets/$datasetId/syncs/$commandId',
          params: { datasetId: dataset.id, commandId: command.id },
        })
      else toast(t('browser.sync.started'), 'done', `sync:${dataset.id}`)
    },
  })
  const isReadOnly = driver.data?.readOnly === true
  return (
    <Modal
      opened
      size="lg"
      onClose={close}
      title={t('browser.sync.title')}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <Stack>
        <List size="sm" spacing="xs">
          <List.Item>{t(isReadOnly ? 'browser.sync.noWrite' : 'browser.sync.write')}</List.Item>
          <List.Item>{t(isReadOnly ? 'browser.sync.noTestFile' : 'browser.sync.testFile')}</List.Item>
          <List.Item>{t('browser.sync.annotations')}</List.Item>
          <List.Item>{t('browser.sync.deletions')}</List.Item>
        </List>
        <Checkbox
          label={t('browser.sync.force')}
          description={t('browser.sync.forceHint')}
          checked={forceRescan}
          onChange={(event) => setForceRescan(event.currentTarget.checked)}
        />
        {driver.data !== undefined && driver.data.state !== 'ready' && (
          <Text size="sm" c="red">
            {t('browser.sync.driverState', {
              name: driver.data.name,
              reason: driver.data.stateReason ?? driver.data.state,
            })}
          </Text>
        )}
        <FormProblem error={start.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('actions.cancel')}
          </Button>
          <Button
            variant="default"
            loading={start.isPending && start.variables?.dryRun === true}
            onClick={() => start.mutate({ dryRun: true })}
          >
            {t('browser.sync.plan')}
          </Button>
          <Button
            data-autofocus
            loading={start.isPending && start.variables?.dryRun !== true}
            onClick={() => start.mutate({})}
          >
            {t('browser.sync.start')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
