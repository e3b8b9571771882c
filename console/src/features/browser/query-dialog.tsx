import { Modal, Stack, Text } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { PAGE_ITEMS } from '../../app/item-pages.ts'
import { type BrowserSearch, toQuery } from '../../app/view-search.ts'
import { CopyText } from '../../ui/copy-text.tsx'

/** What the page shows as a query, for a program that wants the same items. */
export function QueryDialog({ search, close }: { search: BrowserSearch; close: () => void }) {
  const { t } = useTranslation()
  const { datasetId } = useParams({ from: '/shell/datasets/$datasetId' })
  const query = { resource: 'items', ...toQuery(search), page: 0, pageSize: PAGE_ITEMS }
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={t('browser.asQuery')}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      <Stack>
        <Text size="sm">{t('browser.asQueryText')}</Text>
        <CopyText label={t('browser.queryAddress')} text={`POST /api/v1/datasets/${datasetId}/query`} />
        <CopyText label={t('browser.queryBody')} text={JSON.stringify(query, null, 2)} block />
      </Stack>
    </Modal>
  )
}
