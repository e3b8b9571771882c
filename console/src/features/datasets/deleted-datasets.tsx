import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { refreshDataset } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'
import { formatCount, formatTime } from '../../ui/format.ts'
import { toast } from '../../ui/toasts.tsx'

/** Datasets of a project that were deleted and can still be restored; nothing where there are none. */
export function DeletedDatasets({ projectId }: { projectId: string }) {
  const { t } = useTranslation()
  const deleted = useQuery({
    queryKey: ['datasets', projectId, 'deleted'],
    queryFn: ({ signal }) => api.listDeletedDatasets({ params: { projectId }, signal }),
  })
  const restore = useMutation({
    mutationFn: (datasetId: string) => api.restoreDataset({ params: { datasetId }, body: {} }),
    onSuccess: ({ id, name }) => {
      refreshDataset(id)
      toast(t('datasets.restored', { name }))
    },
    onError: (error) => toast(error.message, 'failed'),
  })
  if ((deleted.data ?? []).length === 0) return null
  return (
    <Paper withBorder p="sm" mt="lg" component="section" aria-label={t('datasets.deletedTitle')}>
      <Title order={3} size="h5" mb="xs">
        {t('datasets.deletedTitle')}
      </Title>
      <Stack gap="xs">
        {deleted.data?.map(({ id, name, itemsCount, deletesAt }) => (
          <Group key={id} justify="space-between" wrap="nowrap">
            <div>
              <Text size="sm" className="name">
                {name}
              </Text>
              <Text size="xs" c="dimmed">
                {t('datasets.items', { count: itemsCount, shown: formatCount(itemsCount) })} ·{' '}
                {t('datasets.goesAt', { time: formatTime(deletesAt) })}
              </Text>
            </div>
            <Button
              size="xs"
              variant="default"
              flex="none"
              loading={restore.isPending && restore.variables === id}
              onClick={() => restore.mutate(id)}
            >
              {t('datasets.restore')}
            </Button>
          </Group>
        ))}
      </Stack>
    </Paper>
  )
}
