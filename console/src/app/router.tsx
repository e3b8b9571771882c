import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { Failed } from '../ui/states.tsx'
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
  component: lazyRouteComponent(() => import('../features/login/login-page.tsx'), 'LoginPage'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('../features/setup/setup-page.tsx'), 'SetupPage'),
})

const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyRouteComponent(() => import('../features/invitation/invitation-page.tsx'), 'InvitationPage'),
})

/** All that wants somebody logged in, in the frame of navigation. */
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ location }) => {
    if (!(await isLoggedIn())) throw redirect({ to: '/log-in', search: { to: location.href } })
  },
  component: lazyRouteComponent(() => import('../features/shell/shell.tsx'), 'Shell'),
})

const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('../features/shell/home-page.tsx'), 'HomePage'),
})

const datasets = createRoute({
  getParentRoute: () => shell,
  path: '/projects/$projectId/datasets',
  component: lazyRouteComponent(() => import('../features/datasets/datasets-page.tsx'), 'DatasetsPage'),
})

const browser = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId',
  validateSearch: parseSearch,
  component: lazyRouteComponent(() => import('../features/browser/browser-page.tsx'), 'BrowserPage'),
})

const viewer = createRoute({
  getParentRoute: () => shell,
  path: '/items/$itemId',
  validateSearch: parseSearch,
  component: lazyRouteComponent(() => import('../features/viewer/viewer-page.tsx'), 'ViewerPage'),
})

const inbox = createRoute({
  getParentRoute: () => shell,
  path: '/notifications',
  component: lazyRouteComponent(() => import('../features/notifications/inbox-page.tsx'), 'InboxPage'),
})

const inboxSettings = createRoute({
  getParentRoute: () => shell,
  path: '/notifications/settings',
  component: lazyRouteComponent(
    () => import('../features/notifications/settings-page.tsx'),
    'NotificationSettingsPage',
  ),
})

const syncs = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/syncs',
  component: lazyRouteComponent(() => import('../features/syncs/syncs-page.tsx'), 'SyncsPage'),
})

const sync = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/syncs/$commandId',
  component: lazyRouteComponent(() => import('../features/syncs/run-page.tsx'), 'RunPage'),
})

const syncSettings = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/sync-settings',
  component: lazyRouteComponent(() => import('../features/syncs/sync-settings-page.tsx'), 'SyncSettingsPage'),
})

const skipped = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/skipped',
  validateSearch: (search: Record<string, unknown>): { reason?: string } =>
    typeof search.reason === 'string' ? { reason: search.reason } : {},
  component: lazyRouteComponent(() => import('../features/syncs/skipped-page.tsx'), 'SkippedPage'),
})

const removed = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/removed',
  component: lazyRouteComponent(() => import('../features/syncs/removed-page.tsx'), 'RemovedPage'),
})

const explain = createRoute({
  getParentRoute: () => shell,
  path: '/datasets/$datasetId/explain',
  validateSearch: (search: Record<string, unknown>): { key?: string } =>
    search.key === undefined || search.key === '' ? {} : { key: String(search.key) },
  component: lazyRouteComponent(() => import('../features/explain/explain-page.tsx'), 'ExplainPage'),
})

/** What happened and is told, and how datasets follow their storage. */
const watching = [inbox, inboxSettings, syncs, sync, syncSettings, skipped, removed, explain]

const drivers = createRoute({
  getParentRoute: () => shell,
  path: '/projects/$projectId/drivers',
  component: lazyRouteComponent(() => import('../features/drivers/drivers-page.tsx'), 'DriversPage'),
})

const integrations = createRoute({
  getParentRoute: () => shell,
  path: '/orgs/$orgId/integrations',
  component: lazyRouteComponent(() => import('../features/integrations/integrations-page.tsx'), 'IntegrationsPage'),
})

const membersPage = lazyRouteComponent(() => import('../features/members/members-page.tsx'), 'MembersPage')

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
  component: lazyRouteComponent(() => import('../features/settings/settings-page.tsx'), 'SettingsPage'),
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
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
  defaultNotFoundComponent: NoPage,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
