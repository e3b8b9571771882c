import { createTheme } from '@mantine/core'

/** The looks of the console: indigo-blue, thin grey outlines, system fonts, so that nothing is fetched. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  fontFamily: 'Roboto, system-ui, -apple-system, "Segoe UI", sans-serif',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  autoContrast: true,
})
