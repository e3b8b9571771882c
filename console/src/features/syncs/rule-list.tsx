import { ActionIcon, Button, Fieldset, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { PatternRule } from '#contract/sync-settings.ts'
import { Icon } from '../../ui/icon.tsx'

/** Rules of one list that the API takes. */
const RULES_MAX = 100

/** A list of patterns to be changed. `problems`: what is wrong with a rule, by its place. */
export function RuleList(props: {
  title: string
  text: string
  rules: readonly PatternRule[]
  problems: ReadonlyMap<number, string>
  isDisabled: boolean
  onChange: (rules: PatternRule[]) => void
}) {
  const { title, text, rules, problems, isDisabled, onChange } = props
  const { t } = useTranslation()
  return (
    <Fieldset legend={title} disabled={isDisabled}>
      <Text size="sm" c="dimmed" mb="xs">
        {text}
      </Text>
      <Stack gap="xs">
        {rules.map((rule, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a rule is its place in the list; two may be equal.
          <Group key={index} wrap="nowrap" align="flex-start" gap="xs">
            <Select
              aria-label={t('syncs.settings.ruleKind', { number: index + 1 })}
              data={(['glob', 'regex'] as const).map((kind) => ({
                value: kind,
                label: t(`syncs.settings.kinds.${kind}`),
              }))}
              value={rule.kind}
              allowDeselect={false}
              w="8.5rem"
              style={{ flexShrink: 0 }}
              onChange={(kind) => onChange(rules.with(index, { ...rule, kind: kind as PatternRule['kind'] }))}
            />
            <TextInput
              aria-label={t('syncs.settings.rulePattern', { number: index + 1 })}
              value={rule.pattern}
              placeholder={rule.kind === 'glob' ? '*.jpg' : '(?i)\\.jpe?g$'}
              flex={1}
              maxLength={1000}
              required
              spellCheck={false}
              error={problems.get(index)}
              onChange={(event) => onChange(rules.with(index, { ...rule, pattern: event.currentTarget.value }))}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t('syncs.settings.removeRule', { number: index + 1 })}
              onClick={() => onChange(rules.toSpliced(index, 1))}
            >
              <Icon name="cross" size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Group>
          <Button
            size="xs"
            variant="light"
            leftSection={<Icon name="plus" size={14} />}
            disabled={rules.length >= RULES_MAX}
            onClick={() => onChange([...rules, { kind: 'glob', pattern: '' }])}
          >
            {t('syncs.settings.addRule')}
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  )
}
