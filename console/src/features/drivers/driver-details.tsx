import { Alert, Badge, Drawer, Group, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Driver } from '#contract/drivers.ts'
import { CopyText } from '../../ui/copy-text.tsx'
import { formatTime } from '../../ui/format.ts'
import { ProbeList } from '../../ui/probe-list.tsx'
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
      {driver !== null && (
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
          {driver.stateReason !== null && (
            <Alert color={stateColours[driver.state]} className="name">
              {driver.stateReason}
            </Alert>
          )}
          <ProbeList probes={driver.probes} warnings={driver.warnings} />
          <CopyText label={t('drivers.place')} text={bucketOf(driver)} />
          {driver.folder !== '' && <CopyText label={t('drivers.folder')} text={driver.folder} />}
          {driver.endpoint !== undefined && <CopyText label={t('wizard.fields.endpoint')} text={driver.endpoint} />}
          {typeof driver.region === 'string' && <CopyText label={t('wizard.fields.region')} text={driver.region} />}
          <CopyText label={t('drivers.id')} text={driver.id} />
        </Stack>
      )}
    </Drawer>
  )
}
