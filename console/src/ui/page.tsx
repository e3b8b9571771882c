import { Box, Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** A page: its title, a line of figures, what can be done, and the rest below. */
export function Page({
  title,
  figures,
  actions,
  children,
}: {
  title: ReactNode
  figures?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <Box p="md" maw="var(--page-max)" mx="auto">
      <Group justify="space-between" align="flex-end" mb="md">
        <div>
          <Title order={2} className="name">
            {title}
          </Title>
          {figures !== undefined && (
            <Text c="dimmed" size="sm">
              {figures}
            </Text>
          )}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Box>
  )
}
