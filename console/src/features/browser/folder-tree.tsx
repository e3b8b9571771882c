import { Box, NavLink, ScrollArea, Skeleton, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api } from '../../app/session.ts'
import { formatCount } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { Failed } from '../../ui/states.tsx'

const FOLDERS_A_PAGE = 200

/** The folders of a dataset with how many items are in each; a folder's own are asked for when it is opened. */
export function FolderTree({
  datasetId,
  dir,
  onOpen,
}: {
  datasetId: string
  dir: string
  onOpen: (dir: string) => void
}) {
  const { t } = useTranslation()
  return (
    <ScrollArea h="100%" aria-label={t('browser.folders')} component="nav">
      <Box p="xs">
        <NavLink
          active={dir === '/'}
          label={t('browser.root')}
          leftSection={<Icon name="dataset" size={18} />}
          onClick={() => onOpen('/')}
          component="button"
        />
        <Folders datasetId={datasetId} parent="/" dir={dir} onOpen={onOpen} />
      </Box>
    </ScrollArea>
  )
}

function Folders({
  datasetId,
  parent,
  dir,
  onOpen,
}: {
  datasetId: string
  parent: string
  dir: string
  onOpen: (dir: string) => void
}) {
  const { t } = useTranslation()
  const folders = useInfiniteQuery({
    queryKey: ['folders', datasetId, parent],
    queryFn: ({ pageParam, signal }) =>
      api.listFolders({
        params: { datasetId },
        query: { dir: parent, limit: FOLDERS_A_PAGE, ...(pageParam !== null && { after: pageParam }) },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  })
  if (folders.error) return <Failed error={folders.error} retry={() => folders.refetch()} />
  if (folders.isPending) return <Skeleton height={24} my={4} />
  return (
    <>
      {folders.data.pages.flatMap((page) =>
        page.folders.map((folder) => (
          <FolderNode
            key={folder.id}
            datasetId={datasetId}
            path={folder.filename}
            name={folder.name}
            items={folder.deepItems}
            dir={dir}
            onOpen={onOpen}
          />
        )),
      )}
      {folders.hasNextPage && (
        <NavLink
          component="button"
          label={t('browser.moreFolders')}
          onClick={() => void folders.fetchNextPage()}
          disabled={folders.isFetchingNextPage}
        />
      )}
    </>
  )
}

function FolderNode({
  datasetId,
  path,
  name,
  items,
  dir,
  onOpen,
}: {
  datasetId: string
  path: string
  name: string
  items: number
  dir: string
  onOpen: (dir: string) => void
}) {
  const { t } = useTranslation()
  const holdsPlace = `${dir}/`.startsWith(`${path}/`)
  const [isOpen, setOpen] = useState(holdsPlace)
  return (
    <NavLink
      component="button"
      active={dir === path}
      opened={isOpen}
      disableRightSectionRotation
      onChange={setOpen}
      onClick={() => onOpen(path)}
      label={<span className="name">{name.trim() === '' ? t('browser.nameless', { name }) : name}</span>}
      leftSection={<Icon name="folder" size={18} />}
      rightSection={
        <Text size="xs" c="dimmed">
          {formatCount(items)}
        </Text>
      }
      childrenOffset={14}
    >
      {/* Never nothing: a link without children is none that opens. */}
      {isOpen ? <Folders datasetId={datasetId} parent={path} dir={dir} onOpen={onOpen} /> : <span />}
    </NavLink>
  )
}
