import { Table, type TableProps } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import classes from './wide-table.module.css'

interface Props extends TableProps {
  /** Pixels below which it scrolls by itself instead of making the page wider. */
  minWidth: number
  /** Columns, counted from 1, that are left out where the window is small; the first one never is. */
  secondary?: readonly (2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10)[]
}

/** A table of many columns: on a small screen only those that tell rows apart and how they are. */
export function WideTable({ minWidth, secondary = [], ...props }: Props) {
  const isNarrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false
  return (
    <Table.ScrollContainer minWidth={isNarrow && secondary.length > 0 ? 0 : minWidth}>
      <Table
        {...props}
        className={[classes.table, ...secondary.map((column) => classes[`without${column}`])].join(' ')}
      />
    </Table.ScrollContainer>
  )
}
