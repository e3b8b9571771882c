import { annotationRoutes } from './annotations.ts'
import { auditRoutes } from './audit.ts'
import { authRoutes } from './auth.ts'
import { cloneRoutes } from './clones.ts'
import { collectionRoutes } from './collections.ts'
import { commandRoutes } from './commands.ts'
import { computeRoutes } from './compute.ts'
import { datasetRoutes } from './datasets.ts'
import { doctorRoutes } from './doctor.ts'
import { driverRoutes } from './drivers.ts'
import { explainRoutes } from './explain.ts'
import { exportRoutes } from './exports.ts'
import { featureRoutes } from './features.ts'
import { hintRoutes } from './hints.ts'
import { integrationRoutes } from './integrations.ts'
import { invitationRoutes } from './invitations.ts'
import { itemMarkRoutes } from './item-marks.ts'
import { itemRoutes } from './items.ts'
import { notificationRoutes } from './notifications.ts'
import { ontologyRoutes } from './ontologies.ts'
import { orgRoutes } from './orgs.ts'
import { projectRoutes } from './projects.ts'
import { queryRoutes } from './query.ts'
import { quotaRoutes } from './quota.ts'
import { recipeRoutes } from './recipes.ts'
import type { Route } from './route.ts'
import { sessionRoutes } from './session.ts'
import { settingRoutes } from './settings.ts'
import { setupRoutes } from './setup.ts'
import { syncSettingsRoutes } from './sync-settings.ts'
import { syncRoutes } from './syncs.ts'
import { systemRoutes } from './system.ts'
import { thumbnailRoutes } from './thumbnails.ts'
import { uploadRoutes } from './uploads.ts'

type Join<Groups extends readonly unknown[]> = Groups extends readonly [infer First, ...infer Rest]
  ? First & Join<Rest>
  : unknown

/** Joins groups of routes into one table; throws when two groups use the same name, because a spread would silently drop one. */
export function joinGroups<const Groups extends readonly Readonly<Record<string, Route>>[]>(
  ...groups: Groups
): Join<Groups> {
  const table: Record<string, Route> = {}
  for (const group of groups) {
    for (const [name, route] of Object.entries(group)) {
      if (name in table) throw new Error(`two routes are called ${name}`)
      table[name] = route
    }
  }
  return table as Join<Groups>
}

/** Every address of the API by its name: the one table from which server, typed client, OpenAPI page and role tests are derived (D7). */
export const routes = joinGroups(
  authRoutes,
  invitationRoutes,
  orgRoutes,
  quotaRoutes,
  projectRoutes,
  settingRoutes,
  integrationRoutes,
  computeRoutes,
  auditRoutes,
  driverRoutes,
  doctorRoutes,
  hintRoutes,
  recipeRoutes,
  ontologyRoutes,
  featureRoutes,
  datasetRoutes,
  syncRoutes,
  syncSettingsRoutes,
  explainRoutes,
  commandRoutes,
  cloneRoutes,
  collectionRoutes,
  itemRoutes,
  uploadRoutes,
  thumbnailRoutes,
  queryRoutes,
  itemMarkRoutes,
  annotationRoutes,
  exportRoutes,
  notificationRoutes,
  sessionRoutes,
  setupRoutes,
  systemRoutes,
)

/** The table's type, for what is derived from it. */
export type Routes = typeof routes
