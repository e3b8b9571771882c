import { List, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import type { QueryDone } from '#contract/query.ts'
import { followCommand } from '../../app/command.ts'
import { api } from '../../app/session.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatCount } from '../../ui/format.ts'
import { toast } from '../../ui/toasts.tsx'
import { type Choice, choiceFilter } from './choice.ts'
import { mirrorsStorage } from './dataset-rights.ts'

/** Asks before items are deleted, and says what becomes of their files (DN-06). All of a view wants the dataset's name typed. */
export function DeleteDialog({
  dataset,
  search,
  choice,
  close,
  ended,
}: {
  dataset: Dataset
  search: BrowserSearch
  choice: Choice
  close: () => void
  ended: () => void
}) {
  const { t } = useTranslation()
  const shown = formatCount(choice.count)
  const remove = useMutation({
    mutationFn: async () => {
      const answer = (await api.queryItems({
        params: { datasetId: dataset.id },
        body: { resource: 'items', filter: choiceFilter(choice, search), delete: true },
      })) as QueryDone
      if (answer.commandId !== undefined) {
        toast(t('browser.deleting'))
        void followCommand({ id: answer.commandId })
          .then(ended)
          .catch((error: Error) => toast(error.message, 'failed'))
      }
      return answer
    },
    onSuccess: ({ count }) => {
      toast(t('browser.deleted', { count, shown: formatCount(count) }))
      ended()
    },
  })
  return (
    <Confirm
      title={t('browser.deleteTitle', { count: choice.count, shown })}
      deed={t('browser.deleteDeed', { count: choice.count, shown })}
      typed={choice.isWhole ? dataset.name : undefined}
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    >
      <List size="sm" spacing="xs">
        <List.Item>{t('browser.deleteItems')}</List.Item>
        <List.Item>{t(`browser.deleteFiles.${filesOf(dataset)}`)}</List.Item>
      </List>
      {mirrorsStorage(dataset) && (
        <Text size="sm" c="dimmed">
          {t('browser.deleteReturns')}
        </Text>
      )}
    </Confirm>
  )
}

/** Where the files of a dataset are, which decides what a deletion means for them. */
function filesOf({ readableType, driver }: Dataset): 'external' | 'shared' | 'platform' {
  if (driver !== null) return readableType === 'master' ? 'external' : 'shared'
  return readableType === 'master' ? 'platform' : 'shared'
}
