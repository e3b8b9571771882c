import { Alert, Button, Center, Code, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#client/client.ts'

/** Rows that stand in while something loads. */
export function Loading({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation()
  return (
    <Stack role="status" aria-label={t('states.loading')} gap="sm" p="md">
      {Array.from({ length: rows }, (_, row) => `row ${row}`).map((row) => (
        <Skeleton key={row} height={28} />
      ))}
    </Stack>
  )
}

/** What failed, in the API's own words, with the id under which the server's log tells more. */
export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const { t } = useTranslation()
  const status = error instanceof ApiError ? error.status : undefined
  const isRefused = status === 403
  // Asking again changes neither.
  const isFinal = isRefused || status === 404
  const title = isRefused ? 'states.noPermission' : status === 404 ? 'states.notFound' : 'states.failed'
  const text = error instanceof Error ? error.message : String(error)
  return (
    <Alert color={isFinal ? 'yellow' : 'red'} title={t(title)} m="md">
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="name">
          {isRefused ? t('states.noPermissionText') : text}
        </Text>
        {error instanceof ApiError && error.requestId !== undefined && (
          <Code>{t('states.requestId', { id: error.requestId })}</Code>
        )}
        {retry !== undefined && !isFinal && (
          <Button size="xs" variant="light" color="red" onClick={retry}>
            {t('states.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

/** Nothing here yet, and what to do about it. */
export function Empty({ title, text, action }: { title: string; text: string; action?: ReactNode }) {
  return (
    <Center mih="16rem" p="md">
      <Stack align="center" gap="xs" maw="28rem">
        <Title order={3} ta="center">
          {title}
        </Title>
        <Text c="dimmed" ta="center">
          {text}
        </Text>
        {action !== undefined && <Group mt="xs">{action}</Group>}
      </Stack>
    </Center>
  )
}
