import { ActionIcon, Box, Code, CopyButton, Group, Text, Tooltip } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Icon } from './icon.tsx'

/** A text to be taken elsewhere: what it is, itself, and a button that copies it. `block`: it has several lines. */
export function CopyText({ label, text, block = false }: { label: string; text: string; block?: boolean }) {
  const { t } = useTranslation()
  return (
    <Box>
      <Text size="sm" fw={500}>
        {label}
      </Text>
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <Code
          block={block}
          className="name"
          flex={1}
          mah="18rem"
          style={{ overflow: 'auto' }}
          // It scrolls, so the keyboard has to reach it.
          {...(block && { tabIndex: 0, role: 'region', 'aria-label': label })}
        >
          {text}
        </Code>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Tooltip label={copied ? t('actions.copied') : t('actions.copy', { what: label })}>
              <ActionIcon
                variant="subtle"
                color={copied ? 'teal' : 'gray'}
                onClick={copy}
                aria-label={t('actions.copy', { what: label })}
              >
                <Icon name={copied ? 'check' : 'copy'} size={18} />
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </Group>
    </Box>
  )
}
