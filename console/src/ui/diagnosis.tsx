import { Alert, Button, Code, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { z } from 'zod'
import type { Diagnosis } from '#contract/doctor.ts'
import { CopyText } from './copy-text.tsx'
import { ProbeList } from './probe-list.tsx'

/** A clock that is so far off is worth a word; storages refuse requests from about a quarter of an hour on. */
const CLOCK_SECONDS = 60

interface Props {
  diagnosis: z.output<typeof Diagnosis>
  /** Takes the region over that the storage told; left out where it cannot be changed from here. */
  takeRegion?: ((region: string) => void) | undefined
}

/** What was found out about a driver: whether it is usable, every right that was tried, and what to set right. */
export function DiagnosisView({ diagnosis, takeRegion }: Props) {
  const { t } = useTranslation()
  const { ok, message, code, probes, warnings, region, clockAheadSeconds, cors } = diagnosis
  return (
    <Stack gap="sm">
      <Alert color={ok ? 'teal' : 'red'} role="status" title={t(ok ? 'probes.usable' : 'probes.unusable')}>
        {message !== null && (
          <Text size="sm" className="name">
            {message}
          </Text>
        )}
        {code !== null && <Code>{code}</Code>}
      </Alert>
      {region !== null && (
        <Alert color="yellow">
          <Text size="sm">{t('probes.region', { region })}</Text>
          {takeRegion !== undefined && (
            <Button size="xs" mt="xs" variant="default" onClick={() => takeRegion(region)}>
              {t('probes.useRegion', { region })}
            </Button>
          )}
        </Alert>
      )}
      <ProbeList probes={probes} warnings={warnings} said={message} />
      {clockAheadSeconds !== null && Math.abs(clockAheadSeconds) >= CLOCK_SECONDS && (
        <Alert color="yellow">
          {t(clockAheadSeconds > 0 ? 'probes.clockAhead' : 'probes.clockBehind', {
            count: Math.abs(clockAheadSeconds),
          })}
        </Alert>
      )}
      {cors !== null && (
        <Alert color={cors.ok ? 'teal' : 'yellow'} title={t(cors.ok ? 'probes.corsOk' : 'probes.corsMissing')}>
          {!cors.ok && (
            <Stack gap="xs">
              <Text size="sm" className="name">
                {t('probes.corsText', { origin: cors.origin })} {cors.missing.join(' ')}
              </Text>
              {cors.rule != null && <CopyText label={t('probes.corsRule')} text={documentText(cors.rule)} block />}
            </Stack>
          )}
        </Alert>
      )}
    </Stack>
  )
}

/** A document in the form in which it is pasted elsewhere: text as it is, everything else as JSON. */
export function documentText(document: unknown): string {
  return typeof document === 'string' ? document : JSON.stringify(document, null, 2)
}
