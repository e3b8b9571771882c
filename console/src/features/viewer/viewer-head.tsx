import { ActionIcon, Group, Text, Title, Tooltip } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Item } from '#contract/items.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { formatCount } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { isQuery, type Neighbours } from './neighbours.ts'
import classes from './viewer.module.css'

interface Props {
  item: Item
  view: BrowserSearch
  neighbours: Neighbours
  actions?: ReactNode
}

/** Which item it is, its place in the view it was opened from, and the ways back, forth and out. */
export function ViewerHead({ item, view, neighbours, actions }: Props) {
  const { t } = useTranslation()
  const { place, total, isEstimate } = neighbours
  return (
    <header className={classes.head}>
      <Tooltip label={t('viewer.back')}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={t('viewer.back')}
          renderRoot={(props) => (
            <Link to="/datasets/$datasetId" params={{ datasetId: item.datasetId }} search={view} {...props} />
          )}
        >
          <Icon name="back" />
        </ActionIcon>
      </Tooltip>
      <div style={{ flex: '1 1 14rem', minWidth: 0 }}>
        <Title order={2} size="h4" className="name" lineClamp={2}>
          {item.name.trim() === '' ? t('browser.nameless', { name: item.name }) : item.name}
        </Title>
        <Text size="xs" c="dimmed" truncate title={item.filename}>
          {item.dir}
        </Text>
      </div>
      <Group gap="xs" wrap="nowrap">
        <Step to={neighbours.previous} view={view} label={t('viewer.previous')} path="M15 5l-7 7 7 7" />
        <Text size="sm" c="dimmed" aria-live="polite" style={{ whiteSpace: 'nowrap' }}>
          {place === undefined || total === undefined
            ? '…'
            : t(isEstimate ? 'viewer.aboutPlace' : isQuery(view) ? 'viewer.placeInView' : 'viewer.place', {
                place: formatCount(place),
                total: formatCount(total),
              })}
        </Text>
        <Step to={neighbours.next} view={view} label={t('viewer.next')} path="M9 5l7 7-7 7" />
      </Group>
      {actions}
    </header>
  )
}

/** The way to a neighbour; greyed where there is none. */
function Step({
  to,
  view,
  label,
  path,
}: {
  to: Item | null | undefined
  view: BrowserSearch
  label: string
  path: string
}) {
  const arrow = (
    <svg
      width={20}
      height={20}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  )
  if (to == null)
    return (
      <ActionIcon variant="default" size="lg" disabled aria-label={label}>
        {arrow}
      </ActionIcon>
    )
  return (
    <Tooltip label={`${label}: ${to.name}`} multiline maw="20rem">
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={label}
        renderRoot={(props) => (
          <Link to="/items/$itemId" params={{ itemId: to.id }} search={view} replace preload={false} {...props} />
        )}
      >
        {arrow}
      </ActionIcon>
    </Tooltip>
  )
}
