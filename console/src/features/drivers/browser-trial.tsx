import { Alert, Button, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api } from '../../app/session.ts'
import { CopyText } from '../../ui/copy-text.tsx'
import { documentText } from '../../ui/diagnosis.tsx'
import { FormProblem } from '../../ui/form-problem.tsx'

/** Reads the driver's test file from this very page, straight from the bucket: what no server can try for a browser. */
async function readFromHere(driverId: string) {
  const trial = await api.prepareBrowserTrial({ params: { driverId } })
  const answer = await fetch(trial.url, { headers: trial.headers, credentials: 'omit', cache: 'no-store' }).catch(
    () => null,
  )
  if (answer === null) return { isRead: false, lacks: [] as string[], rule: trial.rule }
  const text = await answer.text().catch(() => null)
  const lacks = trial.expect.headers.filter((name) => !answer.headers.has(name))
  const isRead = answer.status === trial.expect.status && text === trial.expect.text
  return { isRead: isRead && lacks.length === 0, lacks, rule: trial.rule }
}

/** A button that tries whether this browser may read the bucket, and what came of it. */
export function BrowserTrial({ driverId }: { driverId: string }) {
  const { t } = useTranslation()
  const trial = useMutation({ mutationFn: () => readFromHere(driverId) })
  const found = trial.data
  return (
    <Stack gap="xs">
      <Button variant="default" onClick={() => trial.mutate()} loading={trial.isPending}>
        {t('drivers.tryBrowser')}
      </Button>
      <FormProblem error={trial.error} />
      {found !== undefined && (
        <Alert
          color={found.isRead ? 'teal' : 'yellow'}
          role="status"
          title={t(
            found.isRead
              ? 'drivers.browserReads'
              : found.lacks.length > 0
                ? 'drivers.browserReadsPartly'
                : 'drivers.browserBarred',
          )}
        >
          {!found.isRead && (
            <Stack gap="xs">
              <Text size="sm">
                {found.lacks.length === 0
                  ? t('drivers.browserNoAnswer')
                  : t('drivers.browserLacks', { names: found.lacks.join(', ') })}
              </Text>
              {found.rule != null && <CopyText label={t('probes.corsRule')} text={documentText(found.rule)} block />}
            </Stack>
          )}
        </Alert>
      )}
    </Stack>
  )
}
