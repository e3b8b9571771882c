import { createRootRoute, createRoute, createRouter, Outlet, redirect } from '@tanstack/react-router'
import { Failed } from '../ui/states.tsx'
import { lazyPage } from './lazy-page.ts'
import { NoPage } from './no-page.tsx'
import { isLoggedIn } from './session.ts'
import { parseSearch } from './view-search.ts'

const root = createRootRoute({ component: Outlet })

/** Where to go after the log-in: an address of the console's own, nothing else. */
const wayBack = (value: unknown): string => (typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : '/')

const login = createRoute({
  getParentRoute: () => root,
  path: '/log-in',
  validateSearch: (search: Record<string, unknown>): { to?: string } =>
    wayBack(search.to) === '/' ? {} : { to: wayBack(search.to) },
  component: lazyPage(() => import('../features/login/login-page.tsx'), 'LoginPage'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyPage(() => import('../features/setup/setup-page.tsx'), 'SetupPage'),
})

const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyPage(() => import('../features/invitation/invitation-page.tsx'), 'InvitationPage'),
})

/** All that wants somebody logged in, in the frame of navigation. */
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ location }) => {
    if (!(await isLoggedIn())) throw redirect({ to: '/log-in', search: { to: location.href } })
  },
  component: lazyPage(() => import('../features/shell/shell.tsx'), 'Shell'),
})

const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyPage(() => import('../features/shell/home-page.tsx'), 'HomePage'),
})

const datasets = createRoute({
  getParentRoute: () => shell,
  path: '/projects/$projectId/datasets',
  component: lazyPage(() => import('../features/datasets/datasets-page.tsx'), 'DatasetsPage'),
})

const browser = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId',
  validateSearch: parseSearch,
  component: lazyPage(() => import('../features/browser/browser-page.tsx'), 'BrowserPage'),
})

const viewer = createRoute({
  getParentRoute: () => shell,
  path: '/items/$itemId',
  validateSearch: parseSearch,
  component: lazyPage(() => import('../features/viewer/viewer-page.tsx'), 'ViewerPage'),
})

const inbox = createRoute({
  getParentRoute: () => shell,
  path: '/notifications',
  component: lazyPage(() => import('../features/notifications/inbox-page.tsx'), 'InboxPage'),
})

const inboxSettings = createRoute({
  getParentRoute: () => shell,
  path: '/notifications/settings',
  component: lazyPage(() => import('../features/notifications/settings-page.tsx'), 'NotificationSettingsPage'),
})

const syncs = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/syncs',
  component: lazyPage(() => import('../features/syncs/syncs-page.tsx'), 'SyncsPage'),
})

const sync = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/syncs/$commandId',
  component: lazyPage(() => import('../features/syncs/run-page.tsx'), 'RunPage'),
})

const syncSettings = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/sync-settings',
  component: lazyPage(() => import('../features/syncs/sync-settings-page.tsx'), 'SyncSettingsPage'),
})

const skipped = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/skipped',
  validateSearch: (search: Record<string, unknown>): { reason?: string } =>
    typeof search.reason === 'string' ? { reason: search.reason } : {},
  component: lazyPage(() => import('../features/syncs/skipped-page.tsx'), 'SkippedPage'),
})

const removed = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/removed',
  component: lazyPage(() => import('../features/syncs/removed-page.tsx'), 'RemovedPage'),
})

const explain = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/explain',
  validateSearch: (search: Record<string, unknown>): { key?: string } =>
    search.key === undefined || search.key === '' ? {} : { key: String(search.key) },
  component: lazyPage(() => import('../features/explain/explain-page.tsx'), 'ExplainPage'),
})

/** What happened and is told, and how datasets follow their storage. */
const watching = [inbox, inboxSettings, syncs, sync, syncSettings, skipped, removed, explain]

const drivers = createRoute({
  getParentRoute: () => shell,
  path: '/projects/$projectId/drivers',
  component: lazyPage(() => import('../features/drivers/drivers-page.tsx'), 'DriversPage'),
})

const integrations = createRoute({
  getParentRoute: () => shell,
  path: '/orgs/$orgId/integrations',
  component: lazyPage(() => import('../features/integrations/integrations-page.tsx'), 'IntegrationsPage'),
})

const membersPage = lazyPage(() => import('../features/members/members-page.tsx'), 'MembersPage')

const projectMembers = createRoute({
  getParentRoute: () => shell,
  path: '/projects/$projectId/members',
  component: membersPage,
})

const orgMembers = createRoute({ getParentRoute: () => shell, path: '/orgs/$orgId/members', component: membersPage })

const settingsTabs = ['project', 'organization', 'account'] as const

const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  validateSearch: (search: Record<string, unknown>): { tab?: (typeof settingsTabs)[number] } => {
    const tab = settingsTabs.find((each) => each === search.tab)
    return tab === undefined ? {} : { tab }
  },
  component: lazyPage(() => import('../features/settings/settings-page.tsx'), 'SettingsPage'),
})

const tree = root.addChildren([
  login,
  setup,
  invitation,
  shell.addChildren([
    home,
    datasets,
    drivers,
    integrations,
    projectMembers,
    orgMembers,
    settings,
    browser,
    viewer,
    ...watching,
  ]),
])

/** Every page of the console by its address. */
export const router = createRouter({
  routeTree: tree,
  defaultPreload: 'intent',
  scrollRestoration: true,
  // What is kept of a page that could not begin, or of code that the server has no more since it was renewed, would only fail again.
  defaultErrorComponent: ({ error }) => <Failed error={error} retry={() => location.reload()} />,
  defaultNotFoundComponent: NoPage,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
