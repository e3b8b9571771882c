import { Table, Text } from '@mantine/core'
import { formatTime } from './format.ts'

/** The cell of a table that says when a thing was made, and by whom. */
export function MadeBy({ who, at }: { who: string; at: string }) {
  return (
    <Table.Td>
      <Text size="sm">{formatTime(at)}</Text>
      <Text size="xs" c="dimmed" className="name">
        {who}
      </Text>
    </Table.Td>
  )
}
