import { Alert, Button, List, Modal, Radio, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { api } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'

const modes = {
  sync: {},
  plan: { dryRun: true },
  forceRescan: { forceRescan: true },
  reconcile: { reconcile: true },
  reconcilePlan: { reconcile: true, dryRun: true },
} as const
type Mode = keyof typeof modes

/** Asks what a sync is to do, says what it does to the bucket, and starts it. */
export function StartSync({ dataset, isParked, close }: { dataset: Dataset; isParked: boolean; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [mode, setMode] = useState<Mode>('sync')
  const [typed, setTyped] = useState('')
  const start = useMutation({
    mutationFn: () => api.syncDataset({ params: { datasetId: dataset.id }, body: modes[mode] }),
    onSuccess: async ({ id: commandId }) => {
      void queries.invalidateQueries({ queryKey: ['syncs', dataset.id] })
      void queries.invalidateQueries({ queryKey: ['dataset', dataset.id] })
      close()
      await navigate({
        to: '/datasets/$datasetId/syncs/$commandId',
        params: { datasetId: dataset.id, commandId },
      })
    },
  })
  const removes = mode === 'reconcile' || mode === 'reconcilePlan'
  const isReady = mode !== 'reconcile' || typed === dataset.name
  return (
    <Modal
      opened
      onClose={close}
      title={t('syncs.startTitle')}
      size="lg"
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) start.mutate()
        }}
      >
        <Stack>
          <List size="sm" spacing={4}>
            {(['write', 'mark', 'annotations'] as const).map((point) => (
              <List.Item key={point}>{t(`syncs.points.${point}`)}</List.Item>
            ))}
            <List.Item>{t(removes ? 'syncs.reconcileText' : 'syncs.points.deletions')}</List.Item>
          </List>
          <Radio.Group label={t('syncs.startHow')} value={mode} onChange={(chosen) => setMode(chosen as Mode)}>
            <Stack gap={6} mt={4}>
              {(Object.keys(modes) as Mode[]).map((each) => (
                <Radio key={each} value={each} label={t(`syncs.modes.${each}`)} />
              ))}
            </Stack>
          </Radio.Group>
          {isParked && <Alert color="orange">{t('syncs.isParkedNote')}</Alert>}
          {mode === 'reconcile' && (
            <TextInput
              label={t('actions.typeName', { name: dataset.name })}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
            />
          )}
          <FormProblem error={start.error} />
          <Stack align="flex-end">
            <Button
              type="submit"
              {...(mode === 'reconcile' && { color: 'red' })}
              disabled={!isReady}
              loading={start.isPending}
            >
              {t('syncs.start')}
            </Button>
          </Stack>
        </Stack>
      </form>
    </Modal>
  )
}
