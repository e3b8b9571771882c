import { ActionIcon, Badge, Box, Group, Progress, Text, ThemeIcon, Tooltip } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Notification, Priority } from '#contract/notifications.ts'
import { formatCount, formatTime } from '../ui/format.ts'
import { Icon, type IconName } from '../ui/icon.tsx'
import { PageLink } from '../ui/link.tsx'
import { formatDuration } from './duration.ts'
import { latestNotifications } from './news.ts'
import { queryClient } from './query-client.ts'
import { api } from './session.ts'

const looks: Record<Priority, { icon: IconName; color: string }> = {
  info: { icon: 'info', color: 'blue' },
  warning: { icon: 'warning', color: 'orange' },
  error: { icon: 'error', color: 'red' },
}

/** Marks notifications for the caller; what they show follows by the stream, the count at once. */
export function useMarking() {
  return useMutation({
    mutationFn: ({ as, which }: { as: 'read' | 'dismissed'; which: { ids: string[] } | { all: true } }) =>
      as === 'read' ? api.readNotifications({ body: which }) : api.dismissNotifications({ body: which }),
    onSuccess: ({ unread }) => {
      queryClient.setQueryData(latestNotifications.queryKey, (page) => page && { ...page, unread })
      void queryClient.invalidateQueries({ queryKey: ['notifications', 'inbox'] })
    },
  })
}

/** One notification: how much it matters, what happened with what, how far it is, and what can be done with it. `onOpen`: somebody follows its link. */
export function NotificationRow({ notification, onOpen }: { notification: Notification; onOpen?: () => void }) {
  const { t } = useTranslation()
  const marking = useMarking()
  const { id, priority, title, text, count, progress, resource, context, updatedAt } = notification
  const mark = (as: 'read' | 'dismissed') => marking.mutate({ as, which: { ids: [id] } })
  const open = () => {
    if (notification.new) mark('read')
    onOpen?.()
  }
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm" py="xs" component="article" aria-label={title}>
      <ThemeIcon variant="light" color={looks[priority].color} radius="xl" aria-hidden="true">
        <Icon name={looks[priority].icon} size={18} />
      </ThemeIcon>
      <Box flex={1} miw={0}>
        <Group gap={6}>
          <Text size="sm" fw={notification.new ? 700 : 500}>
            {priority !== 'info' && (
              <span className="visually-hidden">{t(`notifications.priorities.${priority}`)}: </span>
            )}
            {title}
          </Text>
          {notification.new && (
            <Badge size="xs" variant="light">
              {t('notifications.new')}
            </Badge>
          )}
          {count > 1 && (
            <Text size="xs" c="dimmed">
              {t('notifications.times', { count })}
            </Text>
          )}
        </Group>
        <About notification={notification} onOpen={open} />
        <Text size="sm" className="name">
          {text}
        </Text>
        {progress !== null && isRunning(notification) && <HowFar progress={progress} />}
        <Text size="xs" c="dimmed" className="name">
          {context.project.name} · <time dateTime={updatedAt}>{formatTime(updatedAt)}</time>
        </Text>
        {marking.error && (
          <Text size="xs" c="red" role="alert">
            {marking.error.message}
          </Text>
        )}
      </Box>
      <Group gap={0} wrap="nowrap">
        {notification.new && (
          <Mark label={t('notifications.read')} what={resource.name} icon="check" onClick={() => mark('read')} />
        )}
        <Mark label={t('notifications.dismiss')} what={resource.name} icon="cross" onClick={() => mark('dismissed')} />
      </Group>
    </Group>
  )
}

/** Only these two go on; every other ends a sync or holds it. */
function isRunning({ code }: Notification): boolean {
  return code === 'sync.started' || code === 'sync.progress'
}

function Mark(props: { label: string; what: string; icon: IconName; onClick: () => void }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon variant="subtle" color="gray" onClick={props.onClick} aria-label={`${props.label}: ${props.what}`}>
        <Icon name={props.icon} size={16} />
      </ActionIcon>
    </Tooltip>
  )
}

function About({ notification, onOpen }: { notification: Notification; onOpen: () => void }) {
  const { resource, context } = notification
  const shared = { size: 'sm', className: 'name', onClick: onOpen } as const
  if (resource.type === 'dataset')
    return (
      <PageLink to="/datasets/$datasetId/syncs" params={{ datasetId: resource.id }} {...shared}>
        {resource.name}
      </PageLink>
    )
  if (resource.type === 'driver')
    return (
      <PageLink to="/projects/$projectId/drivers" params={{ projectId: context.project.id }} {...shared}>
        {resource.name}
      </PageLink>
    )
  return (
    <Text size="sm" className="name">
      {resource.name}
    </Text>
  )
}

function HowFar({ progress }: { progress: NonNullable<Notification['progress']> }) {
  const { t } = useTranslation()
  const { percent, count, perSecond, secondsLeft } = progress
  const figures = { done: formatCount(count), rate: formatCount(perSecond) }
  return (
    <Box my={4}>
      <Progress
        value={percent ?? 100}
        animated={percent === null}
        striped={percent === null}
        size="sm"
        aria-label={t('notifications.progress')}
      />
      <Text size="xs" c="dimmed">
        {secondsLeft === null
          ? t('notifications.progressOpen', figures)
          : t('notifications.progressKnown', { ...figures, left: formatDuration(t, secondsLeft) })}
      </Text>
    </Box>
  )
}
