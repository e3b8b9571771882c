import { PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { OptionValues } from './option-fields.tsx'
import { awsRegistryOptions, dockerOptions } from './registry-options.ts'

const awsFields = ['accessKeyId', 'secretAccessKey', 'account', 'region'] as const
const dockerFields = ['server', 'username', 'password'] as const
const secrets: ReadonlySet<string> = new Set(['secretAccessKey', 'password'])

/** Log-in of a container registry, whose options are nested and are put together here from plain fields. */
export function RegistryFields({ change }: { change: (values: OptionValues) => void }) {
  const { t } = useTranslation()
  const [of, setOf] = useState<'docker' | 'aws'>('docker')
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const tell = (kind: 'docker' | 'aws', values: Readonly<Record<string, string>>) => {
    const isWhole = (kind === 'aws' ? awsFields : dockerFields).every((name) => (values[name] ?? '') !== '')
    if (!isWhole) change({})
    else change(kind === 'aws' ? awsRegistryOptions(values) : dockerOptions(values))
  }
  const set = (name: string, value: string) => {
    const next = { ...typed, [name]: value }
    setTyped(next)
    tell(of, next)
  }
  return (
    <Stack gap="sm">
      <Select
        label={t('wizard.registry.kind')}
        data={[
          { value: 'docker', label: t('wizard.registry.docker') },
          { value: 'aws', label: t('wizard.registry.aws') },
        ]}
        value={of}
        onChange={(chosen) => {
          if (chosen === null) return
          setOf(chosen)
          tell(chosen, typed)
        }}
        allowDeselect={false}
      />
      {(of === 'aws' ? awsFields : dockerFields).map((name) => {
        const Field = secrets.has(name) ? PasswordInput : TextInput
        return (
          <Field
            key={name}
            label={t(`wizard.registry.${name}`)}
            description={name === 'server' ? t('wizard.registry.serverHint') : undefined}
            value={typed[name] ?? ''}
            onChange={(event) => set(name, event.currentTarget.value)}
            autoComplete={secrets.has(name) ? 'new-password' : 'off'}
            spellCheck={false}
            withAsterisk
            {...(secrets.has(name) && {
              visibilityToggleButtonProps: {
                'aria-label': t('wizard.show', { what: t(`wizard.registry.${name}`) }),
                tabIndex: 0,
              },
            })}
          />
        )
      })}
    </Stack>
  )
}
