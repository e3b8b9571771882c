import { Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { followCommand } from '../../app/command.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { formatCount } from '../../ui/format.ts'
import { toast } from '../../ui/toasts.tsx'

/** Asks before items whose files are gone are taken out of a dataset; those whose files are there stay, whatever was chosen. */
export function ClearMissingDialog({
  datasetId,
  what,
  close,
  ended,
}: {
  datasetId: string
  what: { all: true } | { itemIds: string[] } | { filter: Record<string, unknown> }
  close: () => void
  ended: () => void
}) {
  const { t } = useTranslation()
  const remove = useMutation({
    mutationFn: async () => {
      const answer = await api.clearMissing({ params: { datasetId }, body: what })
      if (answer.command !== null) await followCommand(answer.command)
      return answer
    },
    onSuccess: ({ count }) => {
      toast(t('browser.missingCleared', { count, shown: formatCount(count) }))
      ended()
    },
  })
  return (
    <Confirm
      title={t('browser.clearMissingTitle')}
      deed={t('browser.clearMissing')}
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    >
      <Text size="sm">{t('browser.clearMissingText')}</Text>
      <Text size="sm" c="dimmed">
        {t('browser.clearMissingBack')}
      </Text>
    </Confirm>
  )
}
