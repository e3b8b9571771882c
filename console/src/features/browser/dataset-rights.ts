import { useTranslation } from 'react-i18next'
import type { Dataset } from '#contract/datasets.ts'
import { useIsDeveloper } from '../../app/rights.ts'

/** What may be done with a dataset here; each is null where it may, else the reason why not, in a sentence. */
export interface DatasetRights {
  /** Developers see more: others are not shown what they may never do. */
  readonly isDeveloper: boolean
  readonly write: string | null
  /** Moving and renaming, which would be other files where paths are keys of a bucket. */
  readonly arrange: string | null
  /** Whether there is a storage of its own to be synced with: not of clones, merges and uploads (MS-05). */
  readonly isSyncable: boolean
}

/** Tells what the caller may do with a dataset. */
export function useDatasetRights(dataset: Dataset | undefined): DatasetRights {
  const { t } = useTranslation()
  const isDeveloper = useIsDeveloper(dataset?.projects[0])
  const isMirror = dataset !== undefined && mirrorsStorage(dataset)
  const write = !isDeveloper
    ? t('browser.rights.developersOnly')
    : dataset?.readonly === true
      ? t('browser.rights.readonly')
      : null
  return {
    isDeveloper,
    write,
    arrange: write ?? (isMirror ? t('browser.rights.bound') : null),
    isSyncable: isMirror,
  }
}

/** Whether a dataset is the mirror of external storage itself, not something made of one. */
export function mirrorsStorage({ readableType, driver }: Pick<Dataset, 'readableType' | 'driver'>): boolean {
  return readableType === 'master' && driver !== null
}
