import { Alert, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Integration } from '#contract/integrations.ts'
import { type Kind, useKinds } from '../../app/integration-kinds.ts'
import { useIsOrgAdmin, useOrgId, useOrgRole, useOrgs } from '../../app/rights.ts'
import { api } from '../../app/session.ts'
import { trustOf } from '../../app/trust.ts'
import { useFirstField } from '../../ui/first-field.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
import { Empty, Failed, Loading } from '../../ui/states.tsx'
import { isFilled, OptionFields, type OptionValues, optionsOf } from './option-fields.tsx'
import { TrustPanel } from './trust-panel.tsx'

/** The step that seals credentials. `done` gets the new integration, once it can be used. */
export function NewIntegration({ done }: { done: (integration: Integration) => void }) {
  const { t } = useTranslation()
  const orgId = useOrgId()
  const orgs = useOrgs()
  const role = useOrgRole(orgId)
  const isAdmin = useIsOrgAdmin(orgId)
  const kinds = useKinds(orgId)
  if (orgs.data?.length === 0) return <Empty title={t('wizard.noOrg')} text={t('wizard.noOrgText')} />
  if (role !== undefined && !isAdmin)
    return (
      <Alert color="yellow" title={t('states.noPermission')}>
        {t('wizard.adminsOnly')}
      </Alert>
    )
  if (kinds.error) return <Failed error={kinds.error} retry={() => kinds.refetch()} />
  if (kinds.isPending || orgId === undefined) return <Loading />
  return <IntegrationForm orgId={orgId} kinds={kinds.data} done={done} />
}

interface Props {
  orgId: string
  kinds: readonly Kind[]
  done: (integration: Integration) => void
}

function IntegrationForm({ orgId, kinds, done }: Props) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const first = useFirstField()
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Kind | null>(null)
  const [values, setValues] = useState<OptionValues>({})
  const [made, setMade] = useState<Integration | null>(null)
  const create = useMutation({
    mutationFn: (chosen: Kind) =>
      api.createIntegration({
        params: { orgId },
        body: { name, type: chosen.type, options: optionsOf(chosen, values) },
      }),
    onSuccess: async (integration) => {
      // The secrets are sealed; nothing of them stays in the window.
      setValues({})
      await queries.invalidateQueries({ queryKey: ['integrations'] })
      if (trustOf(integration)?.isTrusted === false) setMade(integration)
      else done(integration)
    },
  })
  if (made !== null && kind !== null) return <MadeWaiting made={made} kind={kind} changed={setMade} done={done} />
  const isReady = name !== '' && kind !== null && isFilled(kind, values) && !isEmptyRegistry(kind, values)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady) create.mutate(kind)
      }}
    >
      <Stack>
        <TextInput
          label={t('wizard.name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={255}
          autoComplete="off"
          withAsterisk
          data-autofocus
          ref={first}
        />
        <KindChoice
          kinds={kinds}
          kind={kind}
          choose={(chosen) => {
            setKind(chosen)
            setValues({})
          }}
        />
        {kind !== null && !isMadeEmpty(kind) && (
          <>
            <OptionFields kind={kind} values={values} change={setValues} error={create.error} />
            <Text size="xs" c="dimmed">
              {t('wizard.sealed')}
            </Text>
          </>
        )}
        {kind !== null && isMadeEmpty(kind) && <Alert color="blue">{t('wizard.trustNext')}</Alert>}
        {kind?.supported === false && <Alert color="yellow">{t('wizard.unsupported')}</Alert>}
        <FormProblem error={create.error} />
        <Group justify="flex-end">
          <Button type="submit" disabled={!isReady} loading={create.isPending}>
            {t('wizard.createIntegration')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** Provider first, then the ways to log in there. */
function KindChoice(props: { kinds: readonly Kind[]; kind: Kind | null; choose: (kind: Kind | null) => void }) {
  const { t } = useTranslation()
  const { kinds, kind, choose } = props
  const providers = [...new Set(kinds.map(({ provider }) => provider))]
  const [provider, setProvider] = useState<string | null>(null)
  const offered = kinds.filter((each) => each.provider === provider)
  return (
    <>
      <Select
        label={t('wizard.provider')}
        placeholder={t('wizard.choose')}
        data={providers.map((value) => ({ value, label: t(`providers.${value}` as 'providers.aws', value) }))}
        value={provider}
        onChange={(chosen) => {
          setProvider(chosen)
          const only = kinds.filter((each) => each.provider === chosen)
          choose(only.length === 1 ? only[0]! : null)
        }}
        allowDeselect={false}
        withAsterisk
      />
      <Select
        label={t('wizard.kind')}
        placeholder={t('wizard.choose')}
        data={offered.map(({ type, label }) => ({ value: type, label }))}
        value={kind?.type ?? null}
        onChange={(chosen) => choose(offered.find(({ type }) => type === chosen) ?? null)}
        disabled={provider === null}
        allowDeselect={false}
        withAsterisk
      />
    </>
  )
}

function MadeWaiting(props: {
  made: Integration
  kind: Kind
  changed: (integration: Integration) => void
  done: (integration: Integration) => void
}) {
  const { t } = useTranslation()
  const { made, kind, changed, done } = props
  const trust = trustOf(made)
  if (trust === null) return null
  return (
    <Stack>
      <TrustPanel integration={made} trust={trust} kind={kind} changed={changed} />
      <Group justify="flex-end">
        <Button variant={trust.isTrusted ? 'filled' : 'subtle'} onClick={() => done(made)} disabled={!trust.isTrusted}>
          {t('wizard.toDriver')}
        </Button>
      </Group>
    </Stack>
  )
}

/** Kinds that begin with nothing: the other side is entered once it trusts this server. */
const isMadeEmpty = (kind: Kind) => kind.options.length > 0 && /-cross$/.test(kind.type)

/** Its options are put together when all fields are filled, and are nothing until then. */
const isEmptyRegistry = (kind: Kind, values: OptionValues) =>
  kind.type === 'private-registry' && values.spec === undefined
