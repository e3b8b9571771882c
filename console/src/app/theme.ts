import { type CSSVariablesResolver, createTheme } from '@mantine/core'

/** The looks of the console: indigo-blue, thin grey outlines, system fonts, so that nothing is fetched. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  fontFamily: 'Roboto, system-ui, -apple-system, "Segoe UI", sans-serif',
  defaultRadius: 'sm',
  cursorType: 'pointer',
  autoContrast: true,
  respectReducedMotion: true,
})

/** Words on a tint of their own colour, dark enough to be read: contrast of 4.5 and more, also where the pointer is. */
const onTint = {
  indigo: '#263794',
  yellow: '#6b4000',
  orange: '#8a2c06',
  red: '#a01515',
  teal: '#05523b',
  cyan: '#0b5163',
  blue: '#0f4a86',
  grape: '#6a1f7f',
}

/** The component library's own variables, where they fall short of what a weak eye needs. */
export const resolveVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...Object.fromEntries(
      Object.entries(onTint).map(([name, colour]) => [`--mantine-color-${name}-light-color`, colour]),
    ),
    // White on the red of buttons that destroy.
    '--mantine-color-red-filled': 'var(--mantine-color-red-8)',
    '--mantine-color-red-filled-hover': 'var(--mantine-color-red-9)',
  },
  dark: {},
})
