import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Driver } from '#contract/drivers.ts'
import { api } from '../../app/session.ts'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { type DriverDraft, draftOf, driverForms, isDescribed, NO_INTEGRATION, payloadOf } from './driver-fields.ts'
import { DriverForm } from './driver-form.tsx'
import { Outcome } from './driver-step.tsx'
import { IntegrationChoice } from './integration-choice.tsx'

/** Changes a storage driver: its name, its integration, and where it leads while no dataset uses it. */
export function EditDriver({ driverId, close }: { driverId: string; close: () => void }) {
  const driver = useQuery({
    queryKey: ['drivers', 'one', driverId],
    queryFn: ({ signal }) => api.getDriver({ params: { driverId }, signal }),
    // What is being typed is not overwritten by a fresher answer.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  if (driver.error) return <Failed error={driver.error} retry={() => driver.refetch()} />
  if (driver.isPending) return <Loading />
  return <DriverChange driver={driver.data} close={close} />
}

function DriverChange({ driver, close }: { driver: Driver; close: () => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [draft, setDraft] = useState<DriverDraft>(() => draftOf(driver))
  const save = useMutation({
    mutationFn: () => api.updateDriver({ params: { driverId: driver.id }, body: changeOf(driver, draft) }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['drivers'] })
      toast(t('wizard.driverChanged', { name: draft.name }))
      close()
    },
  })
  const hasForm = driverForms[driver.type] !== undefined
  const change = (next: DriverDraft) => {
    save.reset()
    setDraft(next)
  }
  const isReady = hasForm ? isDescribed(draft) : draft.name !== ''
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady) save.mutate()
      }}
    >
      <Stack>
        <Text size="sm" c="dimmed">
          {t(`driverTypes.${driver.type}` as 'driverTypes.s3', driver.type)}
        </Text>
        <TextInput
          label={t('wizard.name')}
          value={draft.name}
          onChange={(event) => change({ ...draft, name: event.currentTarget.value })}
          maxLength={255}
          withAsterisk
        />
        {driver.type !== 'local' && (
          <IntegrationChoice
            value={draft.integrationId}
            choose={(integrationId) => change({ ...draft, integrationId })}
            driverType={driver.type}
          />
        )}
        {driver.datasetsCount > 0 && (
          <Alert color="blue">{t('wizard.placeStays', { count: driver.datasetsCount })}</Alert>
        )}
        <DriverForm draft={draft} change={change} error={save.error} />
        <Outcome error={save.error} />
        <Group justify="flex-end">
          <Button type="submit" disabled={!isReady} loading={save.isPending}>
            {t('actions.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** Only what is different. */
function changeOf(driver: Driver, draft: DriverDraft) {
  const before = draftOf(driver)
  const [was, is] = [payloadOf(before), payloadOf(draft)]
  // A field that was emptied is said to be empty; left out, it would stay.
  const cleared = Object.fromEntries(
    Object.keys(was)
      .filter((name) => !(name in is))
      .map((name) => [name, null]),
  )
  const isMoved = JSON.stringify(was) !== JSON.stringify(is)
  const hasOtherLogin = draft.integrationId !== before.integrationId && draft.integrationId !== NO_INTEGRATION
  return {
    ...(draft.name !== driver.name && { name: draft.name }),
    ...(isMoved && { payload: { ...is, ...cleared } }),
    ...(hasOtherLogin && draft.integrationId !== null && { integrationId: draft.integrationId }),
    ...(draft.allowDelete !== driver.allowExternalDelete && { allowExternalDelete: draft.allowDelete }),
  }
}
