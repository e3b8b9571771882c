import { Button, Group, List, Paper, Progress, Stack, Text } from '@mantine/core'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { cancelUploads, FAILURES_SHOWN, forgetUploads, retryUploads, useUploads } from './uploads.ts'

/** How the uploads of this window are going; nothing while there are none. */
export function UploadPanel() {
  const { t } = useTranslation()
  const uploads = useUploads()
  const { total, done, kept, failed, failures, active, isBusy, sentBytes, totalBytes } = uploads
  useEffect(() => {
    if (!isBusy) return
    // The browser asks itself, in its own words.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => window.removeEventListener('beforeunload', ask)
  }, [isBusy])
  if (total === 0) return null
  const ended = done + kept + failed
  const percent = totalBytes === 0 ? (ended / total) * 100 : (sentBytes / totalBytes) * 100
  return (
    <Paper withBorder shadow="md" p="sm" m="xs" role="region" aria-label={t('browser.upload.title')}>
      <Stack gap={6}>
        <Group justify="space-between">
          <Text size="sm" fw={600} aria-live="polite">
            {isBusy
              ? t('browser.upload.going', { ended: formatCount(ended), total: formatCount(total) })
              : t('browser.upload.ended', { count: done, shown: formatCount(done) })}
          </Text>
          <Group gap={4}>
            {!isBusy && failed > 0 && (
              <Button size="compact-xs" variant="light" onClick={retryUploads}>
                {t('browser.upload.retry')}
              </Button>
            )}
            <Button size="compact-xs" variant="default" onClick={isBusy ? cancelUploads : forgetUploads}>
              {isBusy ? t('actions.cancel') : t('actions.close')}
            </Button>
          </Group>
        </Group>
        {isBusy && <Progress value={percent} aria-label={t('browser.upload.title')} />}
        <Text size="xs" c="dimmed">
          {t('browser.upload.sent', { sent: formatBytes(sentBytes), total: formatBytes(totalBytes) })}
          {kept > 0 && ` · ${t('browser.upload.kept', { count: kept, shown: formatCount(kept) })}`}
          {failed > 0 && ` · ${t('browser.upload.failed', { count: failed, shown: formatCount(failed) })}`}
        </Text>
        {active.map(({ path, sentBytes: sent, file }) => (
          <Text key={path} size="xs" truncate title={path}>
            {formatBytes(sent)} / {formatBytes(file.size)} {path}
          </Text>
        ))}
        {failures.length > 0 && (
          <List
            size="xs"
            mah="8rem"
            style={{ overflow: 'auto' }}
            tabIndex={0}
            aria-label={t('browser.upload.failures')}
          >
            {failures.map(({ path, problem }) => (
              <List.Item key={path} className="name" c="red">
                {path}: {problem}
              </List.Item>
            ))}
            {failed > FAILURES_SHOWN && (
              <List.Item>{t('browser.upload.more', { count: failed - FAILURES_SHOWN })}</List.Item>
            )}
          </List>
        )}
      </Stack>
    </Paper>
  )
}
