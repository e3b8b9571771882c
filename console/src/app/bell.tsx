import {
  ActionIcon,
  Alert,
  Box,
  Button,
  Divider,
  Group,
  Indicator,
  Popover,
  Portal,
  ScrollArea,
  Text,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { Fragment } from 'react'
import { useTranslation } from 'react-i18next'
import { Icon } from '../ui/icon.tsx'
import { PageLink } from '../ui/link.tsx'
import { Failed, Loading } from '../ui/states.tsx'
import { useNews } from './news.ts'
import { NotificationRow, useMarking } from './notification-row.tsx'

/** Notifications that the bell's own list shows; the page has them all. */
const SHOWN = 8

/** The bell in the frame: how much is unread, and a live list of the latest. It also says when the server does not answer. */
export function Bell() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { href } = useLocation()
  const [isOpen, { toggle, close }] = useDisclosure()
  const { latest, isConnected } = useNews(() => void navigate({ to: '/log-in', search: { to: href } }))
  const marking = useMarking()
  const unread = latest.data?.unread ?? 0
  return (
    <>
      <Popover
        opened={isOpen}
        onChange={close}
        position="bottom-end"
        width="min(26rem, calc(100vw - 1rem))"
        trapFocus
        returnFocus
        shadow="md"
      >
        <Indicator label={unread > 99 ? '99+' : unread} disabled={unread === 0} size={16} offset={6} color="red">
          <Popover.Target>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              onClick={toggle}
              aria-label={t('bell.label', { count: unread })}
            >
              <Icon name="bell" />
            </ActionIcon>
          </Popover.Target>
        </Indicator>
        <Popover.Dropdown p="sm" aria-label={t('bell.title')}>
          <Group justify="space-between">
            <Text fw={700}>{t('bell.title')}</Text>
            {unread > 0 && (
              <Button
                size="compact-xs"
                variant="subtle"
                loading={marking.isPending}
                onClick={() => marking.mutate({ as: 'read', which: { all: true } })}
              >
                {t('notifications.readAll')}
              </Button>
            )}
          </Group>
          {marking.error && <Failed error={marking.error} />}
          <ScrollArea.Autosize mah="60vh" type="auto">
            {latest.error ? (
              <Failed error={latest.error} retry={() => latest.refetch()} />
            ) : latest.isPending ? (
              <Loading rows={3} />
            ) : latest.data.items.length === 0 ? (
              <Text c="dimmed" size="sm" py="md">
                {t('bell.none')}
              </Text>
            ) : (
              latest.data.items.slice(0, SHOWN).map((notification) => (
                <Fragment key={notification.id}>
                  <NotificationRow notification={notification} onOpen={close} />
                  <Divider />
                </Fragment>
              ))
            )}
          </ScrollArea.Autosize>
          <Box pt="xs">
            <PageLink to="/notifications" onClick={close} size="sm">
              {t('bell.all')}
            </PageLink>
          </Box>
        </Popover.Dropdown>
      </Popover>
      {!isConnected && (
        <Portal>
          <Alert
            color="yellow"
            title={t('bell.offlineTitle')}
            role="status"
            pos="fixed"
            bottom="1rem"
            left="1rem"
            w="min(24rem, calc(100vw - 2rem))"
            style={{ zIndex: 1000 }}
          >
            {t('bell.offline')}
          </Alert>
        </Portal>
      )}
    </>
  )
}
