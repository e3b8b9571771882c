import { Alert, Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#client/client.ts'
import type { Driver } from '#contract/drivers.ts'
import { useIntegrations, useKinds } from '../../app/integration-kinds.ts'
import { useIsDeveloper, useOrgId, useProjectOfOrg, useProjectRole } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { DiagnosisView } from '../../ui/diagnosis.tsx'
import { useFirstField } from '../../ui/first-field.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { failedProbes, ProbeList } from '../../ui/probe-list.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'
import { type DriverDraft, driverForms, isDescribed, newDriver } from './driver-fields.ts'
import { DriverForm } from './driver-form.tsx'
import { IntegrationChoice, typesFor } from './integration-choice.tsx'
import { Policies } from './policies.tsx'

interface Props {
  draft: DriverDraft
  setDraft: (draft: DriverDraft) => void
  addIntegration: () => void
  done: (driver: Driver) => void
}

/** The step that connects a bucket or a folder of it to the project. */
export function DriverStep(props: Props) {
  const { t } = useTranslation()
  const projectId = useProjectOfOrg()
  const orgId = useOrgId()
  const role = useProjectRole(projectId)
  const isDeveloper = useIsDeveloper(projectId)
  const kinds = useKinds(orgId)
  const integrations = useIntegrations(orgId)
  if (projectId === undefined) return <Alert color="yellow">{t('wizard.noProject')}</Alert>
  if (role !== undefined && !isDeveloper)
    return (
      <Alert color="yellow" title={t('states.noPermission')}>
        {t('wizard.developersOnly')}
      </Alert>
    )
  const error = kinds.error ?? integrations.error
  if (error) return <Failed error={error} retry={() => void Promise.all([kinds.refetch(), integrations.refetch()])} />
  if (kinds.isPending || integrations.isPending) return <Loading />
  return <NewDriver {...props} projectId={projectId} />
}

function NewDriver({ draft, setDraft, addIntegration, done, projectId }: Props & { projectId: string }) {
  const { t } = useTranslation()
  const first = useFirstField()
  const queries = useQueryClient()
  const orgId = useOrgId()
  const kinds = useKinds(orgId).data ?? []
  const integrations = useIntegrations(orgId).data ?? []
  const drivers = useQuery({
    queryKey: ['drivers', projectId],
    queryFn: ({ signal }) => api.listDrivers({ query: { projectId }, signal }),
  })
  const integrationType = integrations.find(({ id }) => id === draft.integrationId)?.type
  const types = typesFor(draft.integrationId, kinds, integrationType)
  // One type is no choice: it is taken as it is.
  const chosen: DriverDraft = types.includes(draft.type ?? '')
    ? draft
    : { ...draft, type: types.length === 1 ? types[0]! : null }
  const body = newDriver(chosen, projectId)
  const test = useMutation({ mutationFn: () => api.examineDraft({ body }) })
  const create = useMutation({
    mutationFn: (isTried: boolean) => api.createDriver({ body, query: isTried ? {} : { validate: 'false' } }),
    onSuccess: async (driver) => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: ['drivers'] }),
        queries.invalidateQueries({ queryKey: ['integrations'] }),
      ])
      toast(t('wizard.driverMade', { name: driver.name }))
      done(driver)
    },
  })
  const error = create.error ?? test.error
  const change = (next: DriverDraft) => {
    test.reset()
    create.reset()
    setDraft(next)
  }
  const isReady = isDescribed(chosen)
  const isTaken = drivers.data?.some(({ name }) => name === draft.name) ?? false
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        test.reset()
        if (isReady) create.mutate(true)
      }}
    >
      <Stack>
        <TextInput
          label={t('wizard.name')}
          value={draft.name}
          onChange={(event) => change({ ...draft, name: event.currentTarget.value })}
          description={isTaken ? t('wizard.nameTaken') : undefined}
          maxLength={255}
          autoComplete="off"
          withAsterisk
          data-autofocus
          ref={first}
        />
        <IntegrationChoice
          value={draft.integrationId}
          choose={(integrationId) => change({ ...draft, integrationId, type: null })}
          add={addIntegration}
        />
        {types.length > 1 && (
          <Select
            label={t('wizard.driverType')}
            placeholder={t('wizard.choose')}
            data={types.map((type) => ({ value: type, label: t(`driverTypes.${type}` as 'driverTypes.s3', type) }))}
            value={chosen.type}
            onChange={(type) => change({ ...draft, type })}
            allowDeselect={false}
            withAsterisk
          />
        )}
        {draft.integrationId !== null && types.length === 0 && <Alert color="yellow">{t('wizard.noDriverType')}</Alert>}
        <DriverForm key={chosen.type} draft={chosen} change={change} error={error} />
        {test.data !== undefined && (
          <BroughtIntoSight>
            <DiagnosisView
              diagnosis={test.data}
              takeRegion={(region) => change({ ...chosen, texts: { ...chosen.texts, region } })}
            />
          </BroughtIntoSight>
        )}
        {error !== null && (
          <BroughtIntoSight>
            <Outcome error={error} />
          </BroughtIntoSight>
        )}
        {driverForms[chosen.type ?? ''] !== undefined && isReady && <Policies body={body} />}
        <Group justify="flex-end">
          {(isRefusedByStorage(create.error) || test.data?.ok === false) && (
            <Button variant="subtle" color="gray" onClick={() => create.mutate(false)} loading={create.isPending}>
              {t('wizard.saveUnchecked')}
            </Button>
          )}
          <Button
            variant="default"
            disabled={!isReady}
            loading={test.isPending}
            onClick={() => {
              create.reset()
              test.mutate()
            }}
          >
            {t('wizard.test')}
          </Button>
          <Button type="submit" disabled={!isReady} loading={create.isPending && create.variables === true}>
            {t('wizard.createDriver')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** Brings itself into sight when it appears: an answer below a long form is not found otherwise. */
function BroughtIntoSight({ children }: { children: ReactNode }) {
  // The room above is what the drawer's head covers.
  return (
    <div ref={bringIntoSight} style={{ scrollMarginTop: '5rem' }}>
      {children}
    </div>
  )
}

/** One function for all renders, so that it is called for what appears and not whenever something changes. */
const bringIntoSight = (node: HTMLElement | null) => node?.scrollIntoView({ block: 'start' })

/** Why a driver was not saved, with every right that was tried. */
export function Outcome({ error }: { error: unknown }) {
  const probes = failedProbes(error)
  return (
    <>
      <FormProblem error={error} />
      {probes !== null && <ProbeList {...probes} said={error instanceof Error ? error.message : null} />}
    </>
  )
}

/** Whether the description was fine and the storage said no; it can then be kept for later. */
function isRefusedByStorage(error: unknown): boolean {
  return error instanceof ApiError && (error.code.startsWith('storage.') || error.code === 'driver.check_failed')
}
