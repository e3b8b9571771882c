import { Box, Button, Divider, Group, SegmentedControl, Select } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Fragment, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { NotificationRow, useMarking } from '../../app/notification-row.tsx'
import { useProjects } from '../../app/place.ts'
import { api } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { PageLink } from '../../ui/link.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'

/** Everything that the caller was told of, newest first. It follows the server's events as the bell does. */
export function InboxPage() {
  const { t } = useTranslation()
  const [isUnreadOnly, setUnreadOnly] = useState(false)
  const [projectId, setProjectId] = useState<string | null>(null)
  const [isDismissing, setDismissing] = useState(false)
  const projects = useProjects()
  const marking = useMarking()
  const inbox = useInfiniteQuery({
    queryKey: ['notifications', 'inbox', isUnreadOnly, projectId],
    queryFn: ({ pageParam, signal }) =>
      api.listNotifications({
        query: {
          unread: isUnreadOnly ? 'true' : 'false',
          ...(projectId !== null && { projectId }),
          ...(pageParam !== null && { after: pageParam }),
        },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  })
  const all = inbox.data?.pages.flatMap(({ items }) => items) ?? []
  const unread = inbox.data?.pages[0]?.unread ?? 0
  return (
    <Page
      title={t('notifications.title')}
      figures={t('notifications.unread', { count: unread })}
      actions={
        <>
          <Button
            variant="default"
            disabled={unread === 0}
            loading={marking.isPending && !isDismissing}
            onClick={() => marking.mutate({ as: 'read', which: { all: true } })}
          >
            {t('notifications.readAll')}
          </Button>
          <Button variant="default" disabled={all.length === 0} onClick={() => setDismissing(true)}>
            {t('notifications.dismissAll')}
          </Button>
        </>
      }
    >
      <Group mb="xs" gap="sm">
        <SegmentedControl
          aria-label={t('notifications.show')}
          size="xs"
          data={[
            { value: 'all', label: t('notifications.showAll') },
            { value: 'unread', label: t('notifications.showUnread') },
          ]}
          value={isUnreadOnly ? 'unread' : 'all'}
          onChange={(shown) => setUnreadOnly(shown === 'unread')}
        />
        <Select
          aria-label={t('notifications.project')}
          placeholder={t('notifications.allProjects')}
          size="xs"
          clearable
          searchable
          data={(projects.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          value={projectId}
          onChange={setProjectId}
        />
        <PageLink to="/notifications/settings" size="sm" ml="auto">
          {t('notifications.settings')}
        </PageLink>
      </Group>
      {!isDismissing && marking.error && <Failed error={marking.error} />}
      {inbox.error ? (
        <Failed error={inbox.error} retry={() => inbox.refetch()} />
      ) : inbox.isPending ? (
        <Loading />
      ) : all.length === 0 ? (
        <Empty
          title={isUnreadOnly ? t('notifications.emptyUnreadTitle') : t('notifications.emptyTitle')}
          text={isUnreadOnly ? t('notifications.emptyUnreadText') : t('notifications.emptyText')}
        />
      ) : (
        <Box maw="60rem">
          {all.map((notification) => (
            <Fragment key={notification.id}>
              <NotificationRow notification={notification} />
              <Divider />
            </Fragment>
          ))}
        </Box>
      )}
      {inbox.hasNextPage && (
        <Button mt="md" variant="default" loading={inbox.isFetchingNextPage} onClick={() => inbox.fetchNextPage()}>
          {t('notifications.more')}
        </Button>
      )}
      {isDismissing && (
        <Confirm
          title={t('notifications.dismissAll')}
          deed={t('notifications.dismissAll')}
          isBusy={marking.isPending}
          error={marking.error}
          confirm={() =>
            marking.mutate({ as: 'dismissed', which: { all: true } }, { onSuccess: () => setDismissing(false) })
          }
          close={() => setDismissing(false)}
        >
          {t('notifications.dismissAllText')}
        </Confirm>
      )}
    </Page>
  )
}
