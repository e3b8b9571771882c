import { Button, FileButton, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Kind } from '../../app/integration-kinds.ts'
import { fieldProblems } from '../../ui/form-problem.tsx'
import { RegistryFields } from './registry-fields.tsx'

type Option = Kind['options'][number]
/** What was typed for each option, by its name. Held by the form only, and gone with it. */
export type OptionValues = Readonly<Record<string, unknown>>

/** Larger than any key file is. */
const FILE_BYTES_MAX = 1_000_000

interface Props {
  kind: Kind
  values: OptionValues
  change: (values: OptionValues) => void
  error: unknown
}

/** The fields of a kind of integration, rendered from the server's description of it (IN-13). */
export function OptionFields({ kind, values, change, error }: Props) {
  if (kind.type === 'private-registry') return <RegistryFields change={change} />
  const problems = new Map([...fieldProblems(error)].map(([path, message]) => [path.split('.').at(-1)!, message]))
  return (
    <Stack gap="sm">
      {inOrder(kind.options).map((option) => (
        <OptionField
          key={`${kind.type} ${option.name}`}
          option={option}
          value={String(values[option.name] ?? '')}
          change={(value) => change({ ...values, [option.name]: value })}
          problem={problems.get(option.name) ?? null}
        />
      ))}
    </Stack>
  )
}

/** What has to be filled in comes first. */
const inOrder = (options: readonly Option[]) => [...options].sort((a, b) => Number(b.required) - Number(a.required))

interface FieldProps {
  option: Option
  value: string
  change: (value: string) => void
  problem: string | null
}

function OptionField({ option, value, change, problem }: FieldProps) {
  const { t } = useTranslation()
  const common = {
    label: option.label,
    value,
    onChange: (event: { currentTarget: { value: string } }) => change(event.currentTarget.value),
    error: problem,
    withAsterisk: option.required,
    spellCheck: false,
  }
  if (!option.secret) return <TextInput {...common} autoComplete="off" />
  const field = (
    <PasswordInput
      {...common}
      autoComplete="new-password"
      visibilityToggleButtonProps={{ 'aria-label': t('wizard.show', { what: option.label }), tabIndex: 0 }}
    />
  )
  return option.type === 'string' ? field : <JsonField field={field} label={option.label} change={change} />
}

function JsonField({ field, label, change }: { field: React.ReactNode; label: string; change: (v: string) => void }) {
  const { t } = useTranslation()
  const [said, setSaid] = useState<{ text: string; isBad: boolean } | null>(null)
  const take = async (file: File | null) => {
    if (file === null) return
    const problem = await readDocument(file, change)
    setSaid({
      text: t(problem === null ? 'wizard.imported' : `wizard.${problem}`, { name: file.name }),
      isBad: !!problem,
    })
  }
  return (
    <div>
      {field}
      <Group gap="xs" mt={6}>
        <FileButton onChange={(file) => void take(file)} accept="application/json,.json">
          {(props) => (
            <Button {...props} size="xs" variant="default" aria-label={t('wizard.importOf', { what: label })}>
              {t('wizard.import')}
            </Button>
          )}
        </FileButton>
        {said !== null && (
          <Text size="xs" c={said.isBad ? 'red' : 'dimmed'} role="status" className="name">
            {said.text}
          </Text>
        )}
      </Group>
    </div>
  )
}

/** Takes a file over when it is JSON; otherwise says what is wrong with it. */
async function readDocument(
  file: File,
  change: (text: string) => void,
): Promise<'notJson' | 'tooLarge' | 'unreadable' | null> {
  if (file.size > FILE_BYTES_MAX) return 'tooLarge'
  const text = await file.text().catch(() => null)
  if (text === null) return 'unreadable'
  try {
    JSON.parse(text)
  } catch {
    return 'notJson'
  }
  change(text)
  return null
}

/** The options as the API takes them: what was left empty is left out. */
export function optionsOf(kind: Kind, values: OptionValues): Record<string, unknown> {
  if (kind.type === 'private-registry') return { ...values }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '' && value !== undefined))
}

/** Whether all that is required was filled in. */
export function isFilled(kind: Kind, values: OptionValues): boolean {
  return kind.options.every(({ name, required }) => !required || (values[name] ?? '') !== '')
}
