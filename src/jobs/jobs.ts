import { reviveDatasetTasks } from '#core/clones/clones.ts'
import type { Deps } from '#core/deps.ts'
import { reviveValidations } from '#core/drivers/drivers.ts'
import { reviveExports, sweepExports } from '#core/exports/exports.ts'
import { wakeDrains } from '#core/hints/hints.ts'
import { reviveItemTasks, reviveQueryWork } from '#core/items/items.ts'
import { sweepNotifications } from '#core/notifications/notifications.ts'
import { sweepRecipes } from '#core/recipes/recipes.ts'
import { reviveSyncs } from '#core/sync/sync.ts'
import { startWorkers, type Workers } from '#queue/graphile-worker.ts'
import { cloneFollow } from './clone-follow.ts'
import { DATASET_DELETION_MS, deleteDueDatasets } from './dataset-deletion.ts'
import { datasetSweep } from './dataset-sweep.ts'
import { datasetTask } from './dataset-task.ts'
import { driverValidation } from './driver-validation.ts'
import { exportSlice } from './export-slice.ts'
import { featureSweep } from './feature-sweep.ts'
import { hintDrain, WAKE_MS } from './hint-drain.ts'
import { itemTask } from './item-task.ts'
import { LocalWatches, WATCH_MS } from './local-watch.ts'
import { OBJECT_SWEEP_MS, sweepUnusedObjects } from './object-sweep.ts'
import { queryWork } from './query-work.ts'
import { REMOVED_SWEEP_MS, sweepRemovedItems } from './removed-sweep.ts'
import { RESCAN_MS, startDueRescans } from './rescan.ts'
import { syncSlice } from './sync-slice.ts'
import { sweepGoneThumbnails, THUMBNAIL_SWEEP_MS } from './thumbnail-sweep.ts'

/** Syncs that are worked on at once in one process; each has many connections of its own. */
const CONCURRENCY = 4
/** How often runs whose worker was killed are looked for; their lease has to run out first. */
const REVIVE_MS = 5_000
/** How often old notifications are removed; they are kept for a month. */
const SWEEP_MS = 3_600_000

/** Starts the background work of this process: the queue's workers and the clockwork that revives abandoned runs and starts scheduled ones. */
export async function startJobs(deps: Deps): Promise<Workers> {
  const onError = (job: string, error: unknown) => deps.log.error({ job, err: error }, 'job failed')
  const workers = await startWorkers({
    pool: deps.db,
    deps,
    jobs: [
      syncSlice,
      datasetSweep,
      featureSweep,
      datasetTask,
      cloneFollow,
      hintDrain,
      itemTask,
      queryWork,
      driverValidation,
      exportSlice,
    ],
    concurrency: CONCURRENCY,
    onError,
  })
  const revive = () => {
    reviveSyncs(deps).catch((error) => onError('sync.revive', error))
    reviveValidations(deps).catch((error) => onError('drivers.revive', error))
    reviveDatasetTasks(deps).catch((error) => onError('dataset.revive', error))
    reviveItemTasks(deps).catch((error) => onError('item.revive', error))
    reviveQueryWork(deps).catch((error) => onError('query.revive', error))
    reviveExports(deps).catch((error) => onError('export.revive', error))
  }
  revive()
  const timer = setInterval(revive, REVIVE_MS)
  const rescan = () => void startDueRescans(deps).catch((error) => onError('sync.rescan', error))
  rescan()
  const rescanTimer = setInterval(rescan, RESCAN_MS)
  const sweep = () => {
    sweepNotifications(deps).catch((error) => onError('notification.sweep', error))
    sweepExports(deps).catch((error) => onError('export.sweep', error))
    sweepRecipes(deps.db).catch((error) => onError('recipe.sweep', error))
  }
  sweep()
  const sweepTimer = setInterval(sweep, SWEEP_MS)
  const deleteDue = () => void deleteDueDatasets(deps).catch((error) => onError('dataset.deletion', error))
  deleteDue()
  const deletionTimer = setInterval(deleteDue, DATASET_DELETION_MS)
  const wake = () => void wakeDrains(deps).catch((error) => onError('hints.wake', error))
  const wakeTimer = setInterval(wake, WAKE_MS)
  const watches = new LocalWatches(deps)
  const look = () => void watches.refresh().catch((error) => onError('local.watch', error))
  look()
  const lookTimer = setInterval(look, WATCH_MS)
  const stopping = new AbortController()
  const forget = () =>
    void sweepRemovedItems(deps, stopping.signal).catch((error) => onError('item.removed-sweep', error))
  forget()
  const forgetTimer = setInterval(forget, REMOVED_SWEEP_MS)
  const tidy = () => void sweepUnusedObjects(deps, stopping.signal).catch((error) => onError('object.sweep', error))
  const tidyTimer = setInterval(tidy, OBJECT_SWEEP_MS)
  const pictures = () =>
    void sweepGoneThumbnails(deps, stopping.signal).catch((error) => onError('thumbnail.sweep', error))
  const pictureTimer = setInterval(pictures, THUMBNAIL_SWEEP_MS)
  return {
    async stop() {
      clearInterval(timer)
      clearInterval(rescanTimer)
      clearInterval(sweepTimer)
      clearInterval(deletionTimer)
      clearInterval(wakeTimer)
      clearInterval(lookTimer)
      watches.close()
      clearInterval(forgetTimer)
      clearInterval(tidyTimer)
      clearInterval(pictureTimer)
      stopping.abort()
      await workers.stop()
    },
  }
}
