import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'

/** Saves the file itself, from its bucket, under its name. */
export function GetFile({ item }: { item: Item }) {
  const { t } = useTranslation()
  return (
    <Button component="a" variant="default" href={`/api/v1/items/${item.id}/stream?download=true`}>
      {t('viewer.download')}
    </Button>
  )
}
