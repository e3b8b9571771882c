import type { Routes } from '#contract/routes.ts'
import type { Handlers } from './handler.ts'
import { annotationHandlers } from './handlers/annotations.ts'
import { auditHandlers } from './handlers/audit.ts'
import { authHandlers } from './handlers/auth.ts'
import { cloneHandlers } from './handlers/clones.ts'
import { collectionHandlers } from './handlers/collections.ts'
import { commandHandlers } from './handlers/commands.ts'
import { computeHandlers } from './handlers/compute.ts'
import { datasetHandlers } from './handlers/datasets.ts'
import { doctorHandlers } from './handlers/doctor.ts'
import { driverHandlers } from './handlers/drivers.ts'
import { explainHandlers } from './handlers/explain.ts'
import { exportHandlers } from './handlers/exports.ts'
import { featureHandlers } from './handlers/features.ts'
import { hintHandlers } from './handlers/hints.ts'
import { integrationHandlers } from './handlers/integrations.ts'
import { invitationHandlers } from './handlers/invitations.ts'
import { itemMarkHandlers } from './handlers/item-marks.ts'
import { itemHandlers } from './handlers/items.ts'
import { notificationHandlers } from './handlers/notifications.ts'
import { ontologyHandlers } from './handlers/ontologies.ts'
import { orgHandlers } from './handlers/orgs.ts'
import { projectHandlers } from './handlers/projects.ts'
import { queryHandlers } from './handlers/query.ts'
import { quotaHandlers } from './handlers/quota.ts'
import { recipeHandlers } from './handlers/recipes.ts'
import { sessionHandlers } from './handlers/session.ts'
import { settingHandlers } from './handlers/settings.ts'
import { setupHandlers } from './handlers/setup.ts'
import { syncSettingsHandlers } from './handlers/sync-settings.ts'
import { syncHandlers } from './handlers/syncs.ts'
import { systemHandlers } from './handlers/system.ts'
import { thumbnailHandlers } from './handlers/thumbnails.ts'
import { uploadHandlers } from './handlers/uploads.ts'

/** The handler of every route of the table; the type check fails when one is missing. */
export const handlers: Handlers<Routes> = {
  ...systemHandlers,
  ...sessionHandlers,
  ...setupHandlers,
  ...authHandlers,
  ...invitationHandlers,
  ...orgHandlers,
  ...quotaHandlers,
  ...projectHandlers,
  ...settingHandlers,
  ...itemHandlers,
  ...uploadHandlers,
  ...thumbnailHandlers,
  ...queryHandlers,
  ...itemMarkHandlers,
  ...annotationHandlers,
  ...exportHandlers,
  ...notificationHandlers,
  ...integrationHandlers,
  ...computeHandlers,
  ...auditHandlers,
  ...driverHandlers,
  ...doctorHandlers,
  ...hintHandlers,
  ...recipeHandlers,
  ...ontologyHandlers,
  ...featureHandlers,
  ...datasetHandlers,
  ...explainHandlers,
  ...syncHandlers,
  ...syncSettingsHandlers,
  ...commandHandlers,
  ...cloneHandlers,
  ...collectionHandlers,
}
