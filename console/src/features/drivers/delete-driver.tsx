import { Alert, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Driver } from '#contract/drivers.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { toast } from '../../ui/toasts.tsx'

/** Asks before a storage driver is deleted; one that datasets use stays. */
export function DeleteDriver({ driver, close }: { driver: Driver; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { id, name, datasetsCount } = driver
  const remove = useMutation({
    mutationFn: () => api.deleteDriver({ params: { driverId: id } }),
    onSuccess: async () => {
      toast(t('drivers.deleted', { name }))
      await Promise.all(['drivers', 'integrations'].map((noun) => queries.invalidateQueries({ queryKey: [noun] })))
      close()
    },
  })
  return (
    <Confirm
      title={t('drivers.deleteTitle', { name })}
      deed={t('drivers.delete')}
      typed={name}
      isBlocked={datasetsCount > 0}
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    >
      <Text size="sm">{t('drivers.deleteText')}</Text>
      {datasetsCount > 0 && <Alert color="orange">{t('drivers.inUse', { count: datasetsCount })}</Alert>}
    </Confirm>
  )
}
