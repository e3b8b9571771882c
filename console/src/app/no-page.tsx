import { useTranslation } from 'react-i18next'
import { PageLink } from '../ui/link.tsx'
import { Empty } from '../ui/states.tsx'

/** What stands at an address that is no page's: mistyped, or of a page that is no more. */
export function NoPage() {
  const { t } = useTranslation()
  return (
    <main>
      <Empty
        title={t('states.noPage')}
        text={t('states.noPageText')}
        action={<PageLink to="/">{t('states.toStart')}</PageLink>}
      />
    </main>
  )
}
