import { Anchor, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'

/** The bytes of an item, fetched by the browser from the bucket itself; what it cannot show is offered as a file. */
export function FileView({ item }: { item: Item }) {
  const { t } = useTranslation()
  const address = `/api/v1/items/${item.id}/stream`
  const type = item.metadata.system.mimetype ?? ''
  if (type.startsWith('image/'))
    return <img src={address} alt={item.name} style={{ maxWidth: '100%', maxHeight: '75vh' }} />
  // biome-ignore lint/a11y/useMediaCaption: the team's own recordings have none
  if (type.startsWith('video/')) return <video src={address} controls style={{ maxWidth: '100%', maxHeight: '75vh' }} />
  // biome-ignore lint/a11y/useMediaCaption: the team's own recordings have none
  if (type.startsWith('audio/')) return <audio src={address} controls />
  if (type === 'application/pdf')
    return <iframe src={address} title={item.name} style={{ width: '100%', height: '75vh', border: 0 }} />
  return (
    <Text>
      {t('viewer.noPreview')}{' '}
      <Anchor href={address} target="_blank" rel="noreferrer">
        {t('viewer.download')}
      </Anchor>
    </Text>
  )
}
