import { Button, Group, Indicator, Pill, Popover, Select, Stack, Switch, TextInput } from '@mantine/core'
import { useDebouncedCallback, useDisclosure } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { BrowserSearch } from '../../app/view-search.ts'
import { formatBytes } from '../../ui/format.ts'
import { Icon } from '../../ui/icon.tsx'
import { QueryDialog } from './query-dialog.tsx'
import { parseSize } from './size-text.ts'

/** Changes what stands in the address; undefined takes a condition away. */
export type ChangeSearch = (next: { readonly [K in keyof BrowserSearch]?: BrowserSearch[K] | undefined }) => void

/** What the filter has nothing of; for taking all of it away. */
export const NO_FILTER = {
  name: undefined,
  type: undefined,
  state: undefined,
  changed: undefined,
  annotated: undefined,
  sizeMin: undefined,
  sizeMax: undefined,
  from: undefined,
  to: undefined,
  meta: undefined,
  metaValue: undefined,
} satisfies Parameters<ChangeSearch>[0]

interface Props {
  search: BrowserSearch
  change: ChangeSearch
}

/** Which items are shown: what is asked for often in the open, the rest behind a button, and what is in force as marks that can be taken off. */
export function FilterBar({ search, change }: Props) {
  const { t } = useTranslation()
  const [isOpen, setOpen] = useState(false)
  const [isQueryShown, query] = useDisclosure()
  const conditions = useConditions(search)
  return (
    <>
      <Group gap="xs">
        <NameField search={search} change={change} />
        <Popover opened={isOpen} onChange={setOpen} trapFocus position="bottom-start" shadow="md">
          <Indicator disabled={conditions.length === 0} label={conditions.length} size={16}>
            <Popover.Target>
              <Button
                size="xs"
                variant="default"
                leftSection={<Icon name="filter" size={14} />}
                onClick={() => setOpen(!isOpen)}
              >
                {t('browser.filter')}
              </Button>
            </Popover.Target>
          </Indicator>
          <Popover.Dropdown w="min(24rem, calc(100vw - 2rem))">
            <FilterFields search={search} change={change} />
          </Popover.Dropdown>
        </Popover>
        <Switch
          size="xs"
          label={t('browser.deep')}
          checked={search.deep === true}
          onChange={(event) => change({ deep: event.currentTarget.checked || undefined })}
        />
        <Button size="compact-xs" variant="subtle" onClick={query.open}>
          {t('browser.asQuery')}
        </Button>
      </Group>
      {conditions.length > 0 && (
        <Group gap={6} role="group" aria-label={t('browser.conditions')}>
          {conditions.map(({ text, without }) => (
            <Pill
              key={text}
              withRemoveButton
              onRemove={() => change(without)}
              removeButtonProps={{
                'aria-label': t('browser.withoutCondition', { text }),
                'aria-hidden': false,
                tabIndex: 0,
              }}
            >
              {text}
            </Pill>
          ))}
          <Button size="compact-xs" variant="subtle" onClick={() => change(NO_FILTER)}>
            {t('browser.clearFilter')}
          </Button>
        </Group>
      )}
      {isQueryShown && <QueryDialog search={search} close={query.close} />}
    </>
  )
}

function NameField({ search, change }: Props) {
  const { t } = useTranslation()
  const [name, setName] = useState(search.name ?? '')
  // The address may change without us: somebody went back, or took the filter away.
  useEffect(() => setName(search.name ?? ''), [search.name])
  const find = useDebouncedCallback((text: string) => change({ name: text === '' ? undefined : text }), 300)
  return (
    <TextInput
      size="xs"
      flex="0 1 14rem"
      miw="8rem"
      aria-label={t('browser.findName')}
      placeholder={t('browser.findName')}
      leftSection={<Icon name="search" size={14} />}
      value={name}
      onChange={(event) => {
        setName(event.currentTarget.value)
        find(event.currentTarget.value)
      }}
    />
  )
}

function FilterFields({ search, change }: Props) {
  const { t } = useTranslation()
  const kinds = ['image', 'video', 'audio', 'text', 'application'] as const
  return (
    <Stack gap="xs">
      <Group grow>
        <Select
          size="xs"
          label={t('browser.kind')}
          placeholder={t('browser.any')}
          clearable
          comboboxProps={{ withinPortal: false }}
          data={kinds.map((kind) => ({ value: `${kind}/`, label: t(`browser.kinds.${kind}`) }))}
          value={search.type ?? null}
          onChange={(type) => change({ type: type ?? undefined })}
        />
        <Select
          size="xs"
          label={t('browser.state')}
          placeholder={t('browser.any')}
          clearable
          comboboxProps={{ withinPortal: false }}
          data={(['available', 'missing', 'archived', 'excluded'] as const).map((state) => ({
            value: state,
            label: t(`browser.states.${state}`),
          }))}
          value={search.state ?? null}
          onChange={(state) => change({ state: state ?? undefined })}
        />
      </Group>
      <Group grow align="flex-end">
        <Select
          size="xs"
          label={t('browser.annotated')}
          placeholder={t('browser.any')}
          clearable
          comboboxProps={{ withinPortal: false }}
          data={[
            { value: 'yes', label: t('browser.isAnnotated') },
            { value: 'no', label: t('browser.isNotAnnotated') },
          ]}
          value={search.annotated === undefined ? null : search.annotated ? 'yes' : 'no'}
          onChange={(value) => change({ annotated: value === null ? undefined : value === 'yes' })}
        />
        <Switch
          size="xs"
          pb={6}
          label={t('browser.changedOnly')}
          checked={search.changed === true}
          onChange={(event) => change({ changed: event.currentTarget.checked || undefined })}
        />
      </Group>
      <Group grow align="flex-start">
        <SizeField label={t('browser.sizeMin')} bytes={search.sizeMin} set={(sizeMin) => change({ sizeMin })} />
        <SizeField label={t('browser.sizeMax')} bytes={search.sizeMax} set={(sizeMax) => change({ sizeMax })} />
      </Group>
      <Group grow>
        <TextInput
          size="xs"
          type="date"
          label={t('browser.from')}
          value={search.from ?? ''}
          onChange={(event) => change({ from: event.currentTarget.value || undefined })}
        />
        <TextInput
          size="xs"
          type="date"
          label={t('browser.to')}
          value={search.to ?? ''}
          onChange={(event) => change({ to: event.currentTarget.value || undefined })}
        />
      </Group>
      <MetadataFields search={search} change={change} />
    </Stack>
  )
}

function SizeField({
  label,
  bytes,
  set,
}: {
  label: string
  bytes: number | undefined
  set: (bytes: number | undefined) => void
}) {
  const { t } = useTranslation()
  const [text, setText] = useState(bytes === undefined ? '' : formatBytes(bytes))
  const isWrong = text.trim() !== '' && parseSize(text) === null
  return (
    <TextInput
      size="xs"
      label={label}
      placeholder={t('browser.sizeExample')}
      value={text}
      error={isWrong ? t('browser.noSize') : undefined}
      onChange={(event) => {
        const { value } = event.currentTarget
        setText(value)
        const parsed = parseSize(value)
        if (value.trim() === '') set(undefined)
        else if (parsed !== null) set(parsed)
      }}
    />
  )
}

function MetadataFields({ search, change }: Props) {
  const { t } = useTranslation()
  const [path, setPath] = useState(search.meta ?? '')
  const [value, setValue] = useState(search.metaValue ?? '')
  const apply = useDebouncedCallback(
    (meta: string, metaValue: string) =>
      change({
        meta: meta === '' ? undefined : meta,
        metaValue: meta === '' || metaValue === '' ? undefined : metaValue,
      }),
    400,
  )
  return (
    <Group grow align="flex-start">
      <TextInput
        size="xs"
        label={t('browser.meta')}
        placeholder="camera.lens"
        value={path}
        onChange={(event) => {
          setPath(event.currentTarget.value)
          apply(event.currentTarget.value, value)
        }}
      />
      <TextInput
        size="xs"
        label={t('browser.metaValue')}
        placeholder={t('browser.anyValue')}
        disabled={path === ''}
        value={value}
        onChange={(event) => {
          setValue(event.currentTarget.value)
          apply(path, event.currentTarget.value)
        }}
      />
    </Group>
  )
}

/** What is in force, in words, each with what takes it away. */
function useConditions(search: BrowserSearch): { text: string; without: Parameters<ChangeSearch>[0] }[] {
  const { t } = useTranslation()
  const size = (bytes: number) => formatBytes(bytes)
  const kind = search.type?.endsWith('/') ? search.type.slice(0, -1) : undefined
  const all = [
    search.name !== undefined && {
      text: t('browser.has.name', { name: search.name }),
      without: { name: undefined },
    },
    search.type !== undefined && {
      text: kind === undefined ? search.type : t(`browser.kinds.${kind}` as 'browser.kinds.image', search.type),
      without: { type: undefined },
    },
    search.state !== undefined && { text: t(`browser.states.${search.state}`), without: { state: undefined } },
    search.changed === true && { text: t('browser.changedOnly'), without: { changed: undefined } },
    search.annotated !== undefined && {
      text: t(search.annotated ? 'browser.isAnnotated' : 'browser.isNotAnnotated'),
      without: { annotated: undefined },
    },
    search.sizeMin !== undefined && {
      text: t('browser.has.sizeMin', { size: size(search.sizeMin) }),
      without: { sizeMin: undefined },
    },
    search.sizeMax !== undefined && {
      text: t('browser.has.sizeMax', { size: size(search.sizeMax) }),
      without: { sizeMax: undefined },
    },
    search.from !== undefined && { text: t('browser.has.from', { day: search.from }), without: { from: undefined } },
    search.to !== undefined && { text: t('browser.has.to', { day: search.to }), without: { to: undefined } },
    search.meta !== undefined && {
      text:
        search.metaValue === undefined
          ? t('browser.has.meta', { path: search.meta })
          : t('browser.has.metaValue', { path: search.meta, value: search.metaValue }),
      without: { meta: undefined, metaValue: undefined },
    },
  ]
  return all.filter((each) => each !== false)
}
