import { Alert, Button, Checkbox, Collapse, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import { fieldProblems } from '../../ui/form-problem.tsx'
import { type DriverDraft, driverForms, type FlagField, NO_INTEGRATION, type TextField } from './driver-fields.ts'

/** Choices that few need. */
const rare: ReadonlySet<FlagField> = new Set(['proxy', 'pathStyle'])

interface Props {
  draft: DriverDraft
  change: (draft: DriverDraft) => void
  error: unknown
}

/** The fields of one type of driver, with what few need folded away. */
export function DriverForm({ draft, change, error }: Props) {
  const { t } = useTranslation()
  const problems = fieldProblems(error)
  const form = driverForms[draft.type ?? '']
  const [isOpen, { toggle }] = useDisclosure(form?.advanced.some((field) => (draft.texts[field] ?? '') !== '') ?? false)
  if (form === undefined) return null
  const isAdvancedShown = isOpen || form.advanced.some((field) => problems.has(`payload.${field}`))
  const text = (field: TextField, required: boolean) => (
    <TextInput
      key={field}
      label={t(`wizard.fields.${field}`)}
      description={t(`wizard.hints.${field}`)}
      value={draft.texts[field] ?? ''}
      onChange={(event) => change({ ...draft, texts: { ...draft.texts, [field]: event.currentTarget.value } })}
      error={problems.get(`payload.${field}`)}
      withAsterisk={required}
      autoComplete="off"
      spellCheck={false}
    />
  )
  const isPublic = draft.type === 's3' && draft.integrationId === NO_INTEGRATION
  const flag = (name: FlagField) => (
    <Checkbox
      key={name}
      label={t(`wizard.flags.${name}`)}
      description={t(`wizard.flagHints.${name}`)}
      checked={draft.flags[name] === true || (name === 'readOnly' && isPublic)}
      disabled={name === 'readOnly' && isPublic}
      onChange={(event) => change({ ...draft, flags: { ...draft.flags, [name]: event.currentTarget.checked } })}
    />
  )
  const isReadOnly = draft.flags.readOnly === true || isPublic
  const first = form.flags.filter((name) => !rare.has(name))
  const folded = form.flags.filter((name) => rare.has(name))
  return (
    <Stack gap="sm">
      {form.required.map((field) => text(field, true))}
      {form.optional.map((field) => text(field, false))}
      {first.map(flag)}
      {form.canDelete && (
        <Checkbox
          label={t('wizard.allowDelete')}
          description={t(isReadOnly ? 'wizard.allowDeleteReadOnly' : 'wizard.allowDeleteHint')}
          checked={draft.allowDelete && !isReadOnly}
          disabled={isReadOnly}
          onChange={(event) => change({ ...draft, allowDelete: event.currentTarget.checked })}
        />
      )}
      {draft.allowDelete && !isReadOnly && <Alert color="orange">{t('wizard.allowDeleteWarning')}</Alert>}
      {form.advanced.length + folded.length > 0 && (
        <>
          <Button variant="subtle" size="compact-sm" onClick={toggle} aria-expanded={isAdvancedShown} w="max-content">
            {t(isAdvancedShown ? 'wizard.lessFields' : 'wizard.moreFields')}
          </Button>
          <Collapse expanded={isAdvancedShown}>
            <Stack gap="sm">
              {form.advanced.map((field) => text(field, false))}
              {folded.map(flag)}
            </Stack>
          </Collapse>
        </>
      )}
    </Stack>
  )
}
