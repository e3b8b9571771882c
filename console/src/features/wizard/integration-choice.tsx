import { Select } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type Kind, useIntegrations, useKinds } from '../../app/integration-kinds.ts'
import { useIsOrgAdmin, useOrgId } from '../../app/rights.ts'
import { trustOf } from '../../app/trust.ts'
import { driverForms, NO_INTEGRATION, openTypes } from './driver-fields.ts'

const ADD = 'add'

/** Types of driver that fit an integration, of those this console has a form for. */
export function typesFor(integrationId: string | null, kinds: readonly Kind[], type: string | undefined): string[] {
  if (integrationId === NO_INTEGRATION) return [...openTypes]
  return typesOfKind(kinds, type)
}

function typesOfKind(kinds: readonly Kind[], type: string | undefined): string[] {
  const fitting = kinds.find((kind) => kind.type === type)?.driverTypes ?? []
  return fitting.filter((each) => driverForms[each] !== undefined)
}

interface Props {
  value: string | null
  choose: (integrationId: string) => void
  /** Left out where none can be made from here. */
  add?: () => void
  /** Only integrations of this kind of driver are offered. */
  driverType?: string
}

/** The integrations of the organization that can back a driver; the last entry makes a new one. */
export function IntegrationChoice({ value, choose, add, driverType }: Props) {
  const { t } = useTranslation()
  const orgId = useOrgId()
  const isAdmin = useIsOrgAdmin(orgId)
  const kinds = useKinds(orgId).data ?? []
  const all = useIntegrations(orgId).data ?? []
  const fitting = all.filter(({ type }) => {
    const types = typesOfKind(kinds, type)
    return driverType === undefined ? types.length > 0 : types.includes(driverType)
  })
  const isOpen = driverType === undefined || (openTypes as readonly string[]).includes(driverType)
  const data = [
    ...fitting.map((integration) => {
      const isWaiting = trustOf(integration)?.isTrusted === false
      const kind = kinds.find(({ type }) => type === integration.type)?.label ?? integration.type
      const words = isWaiting ? t('wizard.waiting') : kind
      return { value: integration.id, label: `${integration.name} – ${words}`, disabled: isWaiting }
    }),
    ...(isOpen ? [{ value: NO_INTEGRATION, label: t('wizard.noIntegration') }] : []),
    ...(add === undefined
      ? []
      : [{ value: ADD, label: t(isAdmin ? 'wizard.addIntegration' : 'wizard.askAdmin'), disabled: !isAdmin }]),
  ]
  return (
    <Select
      label={t('wizard.integration')}
      placeholder={t('wizard.choose')}
      data={data}
      value={value}
      onChange={(chosen) => {
        if (chosen === ADD) add?.()
        else if (chosen !== null) choose(chosen)
      }}
      allowDeselect={false}
      maxDropdownHeight={320}
      withAsterisk
    />
  )
}
