import { Alert, Button, Checkbox, Group, List, Modal, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { FormProblem } from '../ui/form-problem.tsx'
import { toast } from '../ui/toasts.tsx'
import { refreshDataset } from './item-pages.ts'
import { api } from './session.ts'
import { useSyncs } from './syncs.ts'

interface Props {
  dataset: Dataset
  /** Leads to the sync that was started; a plan is always led to. */
  isFollowed: boolean
  close: () => void
}

/** Says what a sync does to the storage and to the items (MS-02), asks how far it may go, and starts it, or a plan of it. */
export function SyncDialog({ dataset, isFollowed, close }: Props) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const [forceRescan, setForceRescan] = useState(false)
  const [reconcile, setReconcile] = useState(false)
  const [typed, setTyped] = useState('')
  const driver = useQuery({
    queryKey: ['driver', dataset.driver],
    queryFn: ({ signal }) => api.getDriver({ params: { driverId: dataset.driver! }, signal }),
    enabled: dataset.driver !== null,
  })
  // The page below looks again by itself.
  const syncs = useSyncs(dataset.id, { againMs: false })
  // One that waits for approval is given up by a new one.
  const isParked = syncs.data?.items[0]?.state === 'parked'
  const start = useMutation({
    mutationFn: (options: { dryRun?: true }) =>
      api.syncDataset({
        params: { datasetId: dataset.id },
        body: { ...(forceRescan && { forceRescan }), ...(reconcile && { reconcile }), ...options },
      }),
    onSuccess: (command, { dryRun }) => {
      close()
      refreshDataset(dataset.id)
      if (isFollowed || dryRun === true)
        void navigate({
          to: '/datasets/$datasetId/syncs/$commandId',
          params: { datasetId: dataset.id, commandId: command.id },
        })
      else toast(t('syncs.dialog.started'), 'done', `sync:${dataset.id}`)
    },
  })
  const isDisconnected = driver.data?.state === 'disconnected' || dataset.driver === null
  const isReadOnly = driver.data?.readOnly === true
  return (
    <Modal
      opened
      size="lg"
      onClose={close}
      title={t('syncs.dialog.title')}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <Stack>
        <List size="sm" spacing="xs">
          <List.Item>{t(isReadOnly ? 'syncs.dialog.noWrite' : 'syncs.dialog.write')}</List.Item>
          <List.Item>{t(isReadOnly ? 'syncs.dialog.noTestFile' : 'syncs.dialog.testFile')}</List.Item>
          <List.Item>{t('syncs.dialog.annotations')}</List.Item>
          <List.Item>{t(reconcile ? 'syncs.dialog.removals' : 'syncs.dialog.deletions')}</List.Item>
        </List>
        <Checkbox
          label={t('syncs.dialog.force')}
          description={t('syncs.dialog.forceHint')}
          checked={forceRescan}
          onChange={(event) => setForceRescan(event.currentTarget.checked)}
        />
        <Checkbox
          label={t('syncs.dialog.reconcile')}
          description={t('syncs.dialog.reconcileHint')}
          checked={reconcile}
          onChange={(event) => setReconcile(event.currentTarget.checked)}
        />
        {reconcile && (
          <TextInput
            label={t('actions.typeName', { name: dataset.name })}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
          />
        )}
        {isParked && <Alert color="orange">{t('syncs.isParkedNote')}</Alert>}
        {isDisconnected && <Alert color="red">{t('syncs.dialog.disconnected')}</Alert>}
        {!isDisconnected && driver.data !== undefined && driver.data.state !== 'ready' && (
          <Alert color="red">
            {t('syncs.dialog.driverState', {
              name: driver.data.name,
              reason: driver.data.stateReason ?? driver.data.state,
            })}
          </Alert>
        )}
        <FormProblem error={start.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('actions.cancel')}
          </Button>
          <Button
            variant="default"
            disabled={isDisconnected}
            loading={start.isPending && start.variables?.dryRun === true}
            onClick={() => start.mutate({ dryRun: true })}
          >
            {t('syncs.dialog.plan')}
          </Button>
          <Button
            data-autofocus
            {...(reconcile && { color: 'red' })}
            disabled={isDisconnected || (reconcile && typed !== dataset.name)}
            loading={start.isPending && start.variables?.dryRun !== true}
            onClick={() => start.mutate({})}
          >
            {t('syncs.dialog.start')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
