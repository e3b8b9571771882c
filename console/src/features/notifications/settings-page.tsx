import { Card, Stack, Switch, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Category } from '#contract/notifications.ts'
import { api } from '../../app/session.ts'
import { PageLink } from '../../ui/link.tsx'
import { Page } from '../../ui/page.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'

const key = ['notificationSettings']

/** Which kinds of notifications the caller wants to be told of. */
export function NotificationSettingsPage() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const settings = useQuery({ queryKey: key, queryFn: ({ signal }) => api.getNotificationSettings({ signal }) })
  const change = useMutation({
    mutationFn: ({ category, isOn }: { category: Category; isOn: boolean }) =>
      api.updateNotificationSettings({ body: { categories: { [category]: isOn } } }),
    onSuccess: (changed) => {
      queries.setQueryData(key, changed)
      void queries.invalidateQueries({ queryKey: ['notifications'] })
      toast(t('notifications.saved'))
    },
  })
  if (settings.error) return <Failed error={settings.error} retry={() => settings.refetch()} />
  if (settings.isPending) return <Loading rows={3} />
  return (
    <Page
      title={t('notifications.settings')}
      figures={t('notifications.settingsText')}
      actions={
        <PageLink to="/notifications" size="sm">
          {t('notifications.back')}
        </PageLink>
      }
    >
      {change.error && <Failed error={change.error} />}
      <Stack gap="sm" maw="40rem">
        {settings.data.categories.map(({ category, title, description, on, locked }) => (
          <Card key={category} withBorder padding="sm">
            <Switch
              label={title}
              description={locked ? `${description} ${t('notifications.locked')}` : description}
              checked={on}
              disabled={locked || change.isPending}
              onChange={(event) => change.mutate({ category, isOn: event.currentTarget.checked })}
            />
            {change.isPending && change.variables.category === category && (
              <Text size="xs" c="dimmed" role="status">
                {t('states.loading')}
              </Text>
            )}
          </Card>
        ))}
      </Stack>
    </Page>
  )
}
