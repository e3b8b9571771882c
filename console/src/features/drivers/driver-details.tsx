import { Alert, Badge, Button, Drawer, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Driver } from '#contract/drivers.ts'
import { api } from '../../app/session.ts'
import { CopyText } from '../../ui/copy-text.tsx'
import { DiagnosisView } from '../../ui/diagnosis.tsx'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatTime } from '../../ui/format.ts'
import { ProbeList } from '../../ui/probe-list.tsx'
import { BrowserTrial } from './browser-trial.tsx'
import { bucketOf, stateColours } from './driver-place.ts'

/** What is known of a driver, and every right that its last test tried. */
export function DriverDetails({ driver, close }: { driver: Driver | null; close: () => void }) {
  const { t } = useTranslation()
  return (
    <Drawer
      opened={driver !== null}
      onClose={close}
      position="right"
      size="28rem"
      title={
        <Text fw={700} size="lg" className="name">
          {driver?.name}
        </Text>
      }
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      {driver !== null && <Details key={driver.id} driver={driver} />}
    </Drawer>
  )
}

function Details({ driver }: { driver: Driver }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const examine = useMutation({
    mutationFn: () => api.examineDriver({ params: { driverId: driver.id } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['drivers'] }),
  })
  return (
    <Stack>
      <Group gap="xs">
        <Badge variant="light" color={stateColours[driver.state]}>
          {t(`driverStates.${driver.state}`)}
        </Badge>
        <Text size="xs" c="dimmed">
          {driver.checkedAt === null
            ? t('drivers.notChecked')
            : t('drivers.checked', { time: formatTime(driver.checkedAt) })}
        </Text>
      </Group>
      <Stack gap="xs">
        <Button variant="default" onClick={() => examine.mutate()} loading={examine.isPending}>
          {t('drivers.examine')}
        </Button>
        {driver.state === 'ready' && driver.readOnly !== true && <BrowserTrial driverId={driver.id} />}
      </Stack>
      <FormProblem error={examine.error} />
      {examine.data !== undefined ? (
        <DiagnosisView diagnosis={examine.data} />
      ) : (
        <>
          {driver.stateReason !== null && (
            <Alert color={stateColours[driver.state]} className="name">
              {driver.stateReason}
            </Alert>
          )}
          <ProbeList probes={driver.probes} warnings={driver.warnings} said={driver.stateReason} />
        </>
      )}
      <CopyText label={t('drivers.place')} text={bucketOf(driver)} />
      {driver.folder !== '' && <CopyText label={t('drivers.folder')} text={driver.folder} />}
      {driver.endpoint !== undefined && <CopyText label={t('wizard.fields.endpoint')} text={driver.endpoint} />}
      {typeof driver.region === 'string' && <CopyText label={t('wizard.fields.region')} text={driver.region} />}
      <CopyText label={t('drivers.id')} text={driver.id} />
    </Stack>
  )
}
