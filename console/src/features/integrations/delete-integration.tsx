import { Alert, Checkbox, List, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Integration } from '#contract/integrations.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'

/** Asks before an integration is deleted: names the drivers that would be cut off, and wants its name typed (IN-18, IN-19). */
export function DeleteIntegration({ integration, close }: { integration: Integration; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const { id, name, org } = integration
  const [isForced, setForced] = useState(false)
  const uses = useQuery({
    queryKey: ['integrations', org, id, 'uses'],
    queryFn: ({ signal }) => api.countDriversOfIntegration({ params: { integrationId: id }, signal }),
    staleTime: 0,
  })
  const remove = useMutation({
    mutationFn: () =>
      api.deleteIntegration({
        params: { orgId: org, integrationId: id },
        query: isForced ? { force: 'true', confirm: 'true' } : {},
      }),
    onSuccess: async () => {
      toast(t('integrations.deleted', { name }))
      // First, so that nobody asks any more who uses it.
      close()
      await Promise.all(
        ['integrations', 'drivers', 'datasets'].map((noun) => queries.invalidateQueries({ queryKey: [noun] })),
      )
    },
  })
  const count = uses.data?.count ?? 0
  const others = count - (uses.data?.drivers.length ?? 0)
  return (
    <Confirm
      title={t('integrations.deleteTitle', { name })}
      deed={t('integrations.delete')}
      typed={name}
      isBlocked={uses.data === undefined || (count > 0 && !isForced)}
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    >
      <Text size="sm">{t('integrations.deleteText')}</Text>
      {uses.isPending && <Loading rows={2} />}
      {uses.error !== null && <Failed error={uses.error} retry={() => uses.refetch()} />}
      {count > 0 && (
        <>
          <Alert color="orange">
            <Text size="sm">{t('integrations.deleteUsed', { count })}</Text>
            <List size="sm" mt={4}>
              {uses.data?.drivers.map(({ driverId, driverName, projectName }) => (
                <List.Item key={driverId} className="name">
                  {driverName} ({projectName})
                </List.Item>
              ))}
              {others > 0 && <List.Item>{t('integrations.otherUses', { count: others })}</List.Item>}
            </List>
          </Alert>
          <Checkbox
            label={t('integrations.force')}
            checked={isForced}
            onChange={(event) => setForced(event.currentTarget.checked)}
          />
        </>
      )}
    </Confirm>
  )
}
