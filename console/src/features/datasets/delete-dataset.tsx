import { List, Switch, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { refreshDataset } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatCount } from '../../ui/format.ts'
import { Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'

/** How long a deleted dataset can be restored, where that is wanted. */
const RESTORABLE_DAYS = 7

/** Asks before a dataset is deleted, with all that goes along and what becomes of the files. */
export function DeleteDataset({ dataset, close }: { dataset: Dataset; close: () => void }) {
  const { t } = useTranslation()
  const [isRestorable, setRestorable] = useState(true)
  const params = { datasetId: dataset.id }
  const plan = useQuery({
    queryKey: ['datasetDeletion', dataset.id],
    queryFn: ({ signal }) => api.describeDatasetDeletion({ params, signal }),
    staleTime: 0,
  })
  const remove = useMutation({
    mutationFn: () => {
      const targetDate = new Date(Date.now() + RESTORABLE_DAYS * 86_400_000).toISOString()
      return api.deleteDataset({ params, query: isRestorable ? { targetDate } : {} })
    },
    onSuccess: () => {
      refreshDataset(dataset.id)
      toast(
        t(isRestorable ? 'datasets.deletion.willGo' : 'datasets.deletion.gone', {
          name: dataset.name,
          days: RESTORABLE_DAYS,
        }),
      )
      close()
    },
  })
  const facts = plan.data
  return (
    <Confirm
      title={t('datasets.deletion.title', { name: dataset.name })}
      deed={t('datasets.deletion.deed')}
      typed={dataset.name}
      isBlocked={facts === undefined}
      isBusy={remove.isPending}
      error={remove.error ?? plan.error}
      confirm={() => remove.mutate()}
      close={close}
    >
      {facts === undefined ? (
        plan.error === null && <Loading rows={3} />
      ) : (
        <List size="sm" spacing={4}>
          <List.Item>
            {t('datasets.deletion.takes', {
              count: facts.itemsCount,
              items: formatCount(facts.itemsCount),
              annotations: formatCount(facts.annotationsCount),
            })}
          </List.Item>
          <List.Item>
            {t(dataset.driver === null ? 'datasets.deletion.platformFiles' : 'datasets.deletion.externalFiles')}
          </List.Item>
          {facts.clonesCount > 0 && (
            <List.Item>{t('datasets.deletion.clones', { count: facts.clonesCount })}</List.Item>
          )}
          {facts.dataPoints > 0 && (
            <List.Item>
              {t('datasets.deletion.dataPoints', { count: facts.dataPoints, shown: formatCount(facts.dataPoints) })}
            </List.Item>
          )}
        </List>
      )}
      <Switch
        label={t('datasets.deletion.restorable', { days: RESTORABLE_DAYS })}
        checked={isRestorable}
        onChange={(event) => setRestorable(event.currentTarget.checked)}
      />
      {!isRestorable && (
        <Text size="sm" c="red">
          {t('datasets.deletion.final')}
        </Text>
      )}
    </Confirm>
  )
}
