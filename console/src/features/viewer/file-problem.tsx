import { Button, Center, Code, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#client/client.ts'
import { formatTime } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { Failed } from '../../ui/states.tsx'

/** Titles of problems that people can do something about, by the API's code; other problems are told as they come. */
const titles = {
  'item.missing_in_storage': 'missing',
  'storage.not_found': 'missing',
  'item.link_broken': 'link',
  'item.unaddressable': 'unaddressable',
  'dataset.disconnected': 'disconnected',
  'access.forbidden': 'forbidden',
  'storage.denied': 'denied',
  'storage.kms_denied': 'denied',
  'storage.bad_credentials': 'denied',
  'storage.expired_credentials': 'denied',
  'storage.role_denied': 'denied',
  'storage.unreachable': 'unreachable',
  'storage.throttled': 'busy',
  'storage.unavailable': 'unreachable',
} as const

/** Why a file cannot be shown: gone, not allowed, not reachable; each told apart. */
export function FileProblem({
  error,
  missingSince,
  retry,
}: {
  error: unknown
  missingSince?: string | undefined
  retry: () => void
}) {
  const { t } = useTranslation()
  const title = error instanceof ApiError ? titles[error.code as keyof typeof titles] : undefined
  if (title === undefined || !(error instanceof ApiError)) return <Failed error={error} retry={retry} />
  return (
    <Notice title={t(`viewer.problems.${title}`)} text={error.message} isProblem>
      {title === 'missing' && missingSince !== undefined && (
        <Text size="sm">{t('viewer.missingSince', { time: formatTime(missingSince) })}</Text>
      )}
      {title === 'denied' && (
        <Text size="sm" ta="center">
          {t('viewer.deniedText')}
        </Text>
      )}
      {error.requestId !== undefined && <Code>{t('states.requestId', { id: error.requestId })}</Code>}
      <Button variant="light" onClick={retry}>
        {title === 'missing' ? t('viewer.lookAgain') : t('states.retry')}
      </Button>
    </Notice>
  )
}

/** A word in the place of the file. */
export function Notice({
  title,
  text,
  isProblem = false,
  children,
}: {
  title: string
  text: string
  isProblem?: boolean
  children?: ReactNode
}) {
  return (
    <Center flex={1} p="md" mih="14rem" role={isProblem ? 'alert' : undefined}>
      <Stack align="center" gap="xs" maw="30rem">
        <Icon name={isProblem ? 'warning' : 'file'} size={44} />
        <Title order={3} ta="center">
          {title}
        </Title>
        <Text c="dimmed" ta="center" className="name">
          {text}
        </Text>
        <Group mt="xs" justify="center">
          {children}
        </Group>
      </Stack>
    </Center>
  )
}
