import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { api } from '../../app/session.ts'
import { Page } from '../../ui/page.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import { FileView } from './file-view.tsx'

/** One item: its file as well as a browser can show it. */
export function ViewerPage() {
  const { itemId } = useParams({ from: '/shell/items/$itemId' })
  const item = useQuery({
    queryKey: ['item', itemId],
    queryFn: ({ signal }) => api.getItem({ params: { itemId }, signal }),
  })
  if (item.error) return <Failed error={item.error} retry={() => item.refetch()} />
  if (item.isPending) return <Loading />
  return (
    <Page title={item.data.name} figures={item.data.filename}>
      <FileView item={item.data} />
    </Page>
  )
}
