import { ActionIcon, Group, SegmentedControl, Select, Slider } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { type BrowserSearch, TILE_DEFAULT } from '../../app/view-search.ts'
import classes from './browser.module.css'
import type { ChangeSearch } from './filter-bar.tsx'

/** How items are shown: in which order, how large, as pictures or lines. */
export function ViewBar({ search, change }: { search: BrowserSearch; change: ChangeSearch }) {
  const { t } = useTranslation()
  const isGallery = (search.view ?? 'gallery') === 'gallery'
  return (
    <Group gap="xs" ml="auto" wrap="nowrap">
      <Select
        size="xs"
        aria-label={t('browser.sort')}
        w="7.5rem"
        allowDeselect={false}
        data={(['none', 'name', 'size', 'createdAt', 'modified'] as const).map((sort) => ({
          value: sort,
          label: t(`browser.sorts.${sort}`),
        }))}
        value={search.sort ?? 'none'}
        onChange={(sort) =>
          change(sort === 'none' || sort === null ? { sort: undefined, descending: undefined } : { sort })
        }
      />
      <ActionIcon
        variant="default"
        aria-label={t('browser.descending')}
        aria-pressed={search.descending === true}
        onClick={() => change({ descending: search.descending === true ? undefined : true })}
        disabled={search.sort === undefined}
      >
        <span aria-hidden>{search.descending === true ? '↓' : '↑'}</span>
      </ActionIcon>
      {isGallery && (
        <Slider
          className={classes.tileSize}
          thumbLabel={t('browser.tileSize')}
          w={90}
          size="xs"
          min={96}
          max={320}
          step={16}
          label={null}
          value={search.tile ?? TILE_DEFAULT}
          onChange={(tile) => change({ tile })}
        />
      )}
      <SegmentedControl
        size="xs"
        aria-label={t('browser.view')}
        data={(['gallery', 'list', 'details'] as const).map((view) => ({ value: view, label: t(`browser.${view}`) }))}
        value={search.view ?? 'gallery'}
        onChange={(view) => change({ view: view === 'gallery' ? undefined : view })}
      />
    </Group>
  )
}
