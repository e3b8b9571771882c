import { Button, Group, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { CloneDialog } from '../../app/clone-dialog.tsx'
import { followCommand } from '../../app/command.ts'
import { refreshDataset } from '../../app/item-pages.ts'
import { api } from '../../app/session.ts'
import type { BrowserSearch } from '../../app/view-search.ts'
import { formatCount } from '../../ui/format.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'
import { Reasoned } from '../../ui/reasoned.tsx'
import { toast } from '../../ui/toasts.tsx'
import classes from './browser.module.css'
import { type Choice, choiceFilter } from './choice.ts'
import { ClearMissingDialog } from './clear-missing-dialog.tsx'
import type { DatasetRights } from './dataset-rights.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { FILES_MAX, saveExport, saveFiles } from './download.ts'
import { MoveDialog } from './move-dialog.tsx'
import { RenameDialog } from './rename-dialog.tsx'

/** What can be asked before it is done to what is chosen. */
export type ChoiceDeed = 'rename' | 'move' | 'clone' | 'delete' | 'clear-missing'

interface Props {
  dataset: Dataset
  search: BrowserSearch
  choice: Choice
  total: number
  rights: DatasetRights
  deed: ChoiceDeed | null
  setDeed: (deed: ChoiceDeed | null) => void
  chooseAll: () => void
  clear: () => void
}

/** How many items are chosen, and all that can be done with them. */
export function ChoiceBar(props: Props) {
  const { dataset, choice, total, rights, deed, setDeed, chooseAll, clear, search } = props
  const { t } = useTranslation()
  const chosen = [...choice.items.values()]
  const isAnyMissing = search.state === 'missing' || chosen.some((item) => stateOf(item) === 'missing')
  const isAnyChanged = search.changed === true || chosen.some((item) => item.metadata.system.storage?.changedInStorage)
  const ended = () => {
    setDeed(null)
    clear()
    refreshDataset(dataset.id)
  }
  const dialog = { dataset, search, choice, close: () => setDeed(null), ended }
  return (
    <Group
      gap={4}
      role="toolbar"
      aria-label={t('browser.choice')}
      wrap="nowrap"
      className={`${classes.line} ${classes.deeds}`}
    >
      <Text size="sm" fw={600} mr={4} aria-live="polite">
        {t('browser.chosen', { count: choice.count, shown: formatCount(choice.count) })}
      </Text>
      {!choice.isWhole && choice.count < total && (
        <Button size="compact-xs" variant="subtle" onClick={chooseAll}>
          {t('browser.chooseAll', { shown: formatCount(total) })}
        </Button>
      )}
      <Button size="compact-xs" variant="subtle" onClick={clear}>
        {t('browser.chooseNone')}
      </Button>
      <Download {...props} />
      {rights.isDeveloper && (
        <>
          <Deed icon="clone" text={t('browser.clone')} reason={null} onClick={() => setDeed('clone')} />
          <Deed icon="move" text={t('browser.move')} reason={rights.arrange} onClick={() => setDeed('move')} />
          <Deed
            icon="edit"
            text={t('actions.rename')}
            reason={rights.arrange ?? (choice.count === 1 && !choice.isWhole ? null : t('browser.renameOne'))}
            onClick={() => setDeed('rename')}
          />
          {isAnyChanged && <ClearChanged {...props} />}
          {isAnyMissing && (
            <Deed
              icon="warning"
              text={t('browser.clearMissing')}
              reason={rights.write}
              onClick={() => setDeed('clear-missing')}
            />
          )}
          <Deed icon="trash" text={t('actions.delete')} reason={rights.write} isRed onClick={() => setDeed('delete')} />
        </>
      )}
      {deed === 'rename' && chosen[0] !== undefined && <RenameDialog item={chosen[0]} {...dialog} />}
      {deed === 'move' && <MoveDialog {...dialog} />}
      {deed === 'delete' && <DeleteDialog {...dialog} />}
      {deed === 'clear-missing' && (
        <ClearMissingDialog
          datasetId={dataset.id}
          what={
            choice.isWhole
              ? { filter: { filter: choiceFilter(choice, search) } }
              : { itemIds: [...choice.items.keys()] }
          }
          close={dialog.close}
          ended={ended}
        />
      )}
      {deed === 'clone' && (
        <CloneDialog
          dataset={dataset}
          filter={{ filter: choiceFilter(choice, search) }}
          what={t('browser.chosen', { count: choice.count, shown: formatCount(choice.count) })}
          close={dialog.close}
        />
      )}
    </Group>
  )
}

const stateOf = (item: { metadata: { system: { storage?: { state: string } | undefined } } }) =>
  item.metadata.system.storage?.state

function Deed({
  icon,
  text,
  reason,
  isRed = false,
  isBusy = false,
  onClick,
}: {
  icon: IconName
  text: ReactNode
  reason: string | null
  isRed?: boolean
  isBusy?: boolean
  onClick: () => void
}) {
  return (
    <Reasoned reason={reason}>
      <Button
        className={classes.deed}
        title={reason === null && typeof text === 'string' ? text : undefined}
        size="compact-xs"
        variant="light"
        color={isRed ? 'red' : 'indigo'}
        leftSection={<Icon name={icon} size={14} />}
        disabled={reason !== null}
        loading={isBusy}
        onClick={onClick}
      >
        {text}
      </Button>
    </Reasoned>
  )
}

function Download({ dataset, search, choice, rights }: Props) {
  const { t } = useTranslation()
  const list = useMutation({
    mutationFn: () => saveExport(dataset.id, { filter: choiceFilter(choice, search) }),
    onSuccess: () => toast(t('browser.listSaved')),
    onError: (error) => toast(error.message, 'failed'),
  })
  const isTooMany = choice.isWhole || choice.count > FILES_MAX
  return (
    <>
      <Deed
        icon="download"
        text={t('browser.download')}
        reason={isTooMany ? t('browser.tooManyFiles', { max: FILES_MAX }) : null}
        onClick={() => saveFiles([...choice.items.keys()])}
      />
      {rights.isDeveloper && (
        <Deed
          icon="file"
          text={t('browser.saveList')}
          reason={null}
          isBusy={list.isPending}
          onClick={() => list.mutate()}
        />
      )}
    </>
  )
}

function ClearChanged({ dataset, search, choice, rights, clear }: Props) {
  const { t } = useTranslation()
  const seen = useMutation({
    mutationFn: async () => {
      const body = choice.isWhole
        ? { filter: { filter: choiceFilter(choice, search) } }
        : { itemIds: [...choice.items.keys()] }
      const { command } = await api.clearChanged({ params: { datasetId: dataset.id }, body })
      if (command !== null) await followCommand(command)
    },
    onSuccess: () => {
      clear()
      refreshDataset(dataset.id)
    },
    onError: (error) => toast(error.message, 'failed'),
  })
  return (
    <Deed
      icon="check"
      text={t('browser.clearChanged')}
      reason={rights.write}
      isBusy={seen.isPending}
      onClick={() => seen.mutate()}
    />
  )
}
