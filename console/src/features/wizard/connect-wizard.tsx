import { Box, Drawer, Group, Stepper, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Connecting } from '../../app/connect.ts'
import { useProjects } from '../../app/place.ts'
import { useOrgId, useOrgs, useProjectOfOrg } from '../../app/rights.ts'
import { Icon } from '../../ui/icon.tsx'
import { DatasetStep } from './dataset-step.tsx'
import { type DriverDraft, emptyDraft } from './driver-fields.ts'
import { DriverStep } from './driver-step.tsx'
import { EditDriver } from './edit-driver.tsx'
import { EditIntegration } from './edit-integration.tsx'
import { NewIntegration } from './new-integration.tsx'

const steps = ['integration', 'driver', 'dataset'] as const
type Step = (typeof steps)[number]
const icons = { integration: 'integration', driver: 'storage', dataset: 'dataset' } as const

/** Leads from credentials to a bucket to a dataset. Each step can be entered alone; finishing one leads to the next with what it made. */
export function ConnectWizard({ start, close }: { start: Connecting; close: () => void }) {
  const { t } = useTranslation()
  const isEdit =
    (start.step === 'integration' && start.integrationId !== undefined) ||
    (start.step === 'driver' && start.driverId !== undefined)
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size={isEdit ? '34rem' : '50rem'}
      title={
        <Text fw={700} size="lg">
          {t(isEdit ? `wizard.edit.${start.step as 'integration' | 'driver'}` : 'wizard.title')}
        </Text>
      }
      closeButtonProps={{ 'aria-label': t('actions.close') }}
      // What was typed is not lost by a click beside it.
      closeOnClickOutside={false}
    >
      {isEdit ? <Editing start={start} close={close} /> : <Steps start={start} close={close} />}
    </Drawer>
  )
}

function Editing({ start, close }: { start: Connecting; close: () => void }) {
  const orgId = useOrgId()
  if (start.step === 'driver') return <EditDriver driverId={start.driverId!} close={close} />
  return orgId === undefined ? null : (
    <EditIntegration orgId={orgId} integrationId={start.integrationId!} close={close} />
  )
}

function Steps({ start, close }: { start: Connecting; close: () => void }) {
  const [step, setStep] = useState<Step>(start.step)
  const [driverId, setDriverId] = useState(start.driverId)
  // Kept here, so that what was typed is still there after a detour to make an integration (IN-22).
  const [draft, setDraft] = useState<DriverDraft>(() => emptyDraft(start.integrationId))
  return (
    <Group align="flex-start" gap="xl" wrap="wrap">
      <Rail step={step} choose={setStep} />
      <Box flex="1 1 20rem" miw={0}>
        {step === 'integration' && (
          <NewIntegration
            done={(integration) => {
              setDraft((typed) => ({ ...typed, integrationId: integration.id, type: null }))
              setStep('driver')
            }}
          />
        )}
        {step === 'driver' && (
          <DriverStep
            draft={draft}
            setDraft={setDraft}
            addIntegration={() => setStep('integration')}
            done={(driver) => {
              setDriverId(driver.id)
              setStep('dataset')
            }}
          />
        )}
        {step === 'dataset' && <DatasetStep driverId={driverId} addDriver={() => setStep('driver')} close={close} />}
      </Box>
    </Group>
  )
}

/** The three steps with the place that each belongs to; any of them can be chosen. */
function Rail({ step, choose }: { step: Step; choose: (step: Step) => void }) {
  const { t } = useTranslation()
  const isNarrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false
  const [orgId, projectId] = [useOrgId(), useProjectOfOrg()]
  const org = useOrgs().data?.find(({ id }) => id === orgId)?.name ?? '–'
  const project = useProjects().data?.find(({ id }) => id === projectId)?.name ?? '–'
  return (
    <Stepper
      active={steps.indexOf(step)}
      onStepClick={(index) => choose(steps[index]!)}
      orientation={isNarrow ? 'horizontal' : 'vertical'}
      size="sm"
      w={isNarrow ? '100%' : '13rem'}
      // In sight however long the form beside it is.
      {...(isNarrow ? {} : { pos: 'sticky' as const, top: '4.5rem' })}
      wrap={false}
    >
      {steps.map((each) => (
        <Stepper.Step
          key={each}
          icon={<Icon name={icons[each]} size={18} />}
          completedIcon={<Icon name={icons[each]} size={18} />}
          aria-current={each === step ? 'step' : undefined}
          {...(isNarrow
            ? { 'aria-label': t(`wizard.steps.${each}`) }
            : {
                label: t(`wizard.steps.${each}`),
                description:
                  each === 'integration' ? t('wizard.ofOrg', { name: org }) : t('wizard.ofProject', { name: project }),
              })}
        />
      ))}
    </Stepper>
  )
}
