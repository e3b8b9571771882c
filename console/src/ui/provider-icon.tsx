import { useTranslation } from 'react-i18next'

/** Shapes of ours that tell providers apart at a glance; the word is there for those who do not see them. */
const letters: Readonly<Record<string, readonly [string, string]>> = {
  aws: ['S3', 'orange'],
  gcp: ['G', 'blue'],
  azure: ['Az', 'cyan'],
  registry: ['R', 'grape'],
  local: ['/', 'gray'],
  sluice: ['•', 'gray'],
}

/** Whose storage something reaches, as a small tile. */
export function ProviderIcon({ provider, size = 22 }: { provider: string; size?: number }) {
  const { t } = useTranslation()
  const [text, colour] = letters[provider] ?? ['?', 'gray']
  return (
    <span
      role="img"
      aria-label={t(`providers.${provider}` as 'providers.aws', provider)}
      title={t(`providers.${provider}` as 'providers.aws', provider)}
      style={{
        display: 'inline-grid',
        placeItems: 'center',
        width: size + 6,
        height: size,
        marginInlineEnd: 6,
        borderRadius: 4,
        fontSize: 11,
        fontWeight: 700,
        color: 'var(--mantine-color-text)',
        background: `var(--mantine-color-${colour}-light)`,
      }}
    >
      {text}
    </span>
  )
}
