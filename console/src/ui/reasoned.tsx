import { Box, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'

/** A control that may be switched off, and then says why: to the mouse, to the keyboard and to screen readers. */
export function Reasoned({ reason, children }: { reason: string | null; children: ReactNode }) {
  if (reason === null) return children
  return (
    <Tooltip label={reason} multiline maw="20rem" events={{ hover: true, focus: true, touch: true }}>
      {/* A control that is off takes no focus; its place does, so that the reason can be reached. */}
      <Box component="span" tabIndex={0} role="note" aria-label={reason} display="inline-block">
        {children}
      </Box>
    </Tooltip>
  )
}
