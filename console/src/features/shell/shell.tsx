import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Menu,
  NavLink,
  ScrollArea,
  Select,
  Text,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMe, useProjectId, useProjects } from '../../app/place.ts'
import { logOut } from '../../app/session.ts'
import { Icon } from '../../ui/icon.tsx'

/** The frame around every page: where one is, where one can go, who one is. */
export function Shell() {
  const { t } = useTranslation()
  const [isOpen, { toggle, close }] = useDisclosure()
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={0}
    >
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('nav.toggle')} />
          <Icon name="logo" size={28} />
          <Text fw={700} visibleFrom="xs">
            {t('app.name')}
          </Text>
          <ProjectSwitch />
          <Group ml="auto" gap="xs" wrap="nowrap">
            <ThemeSwitch />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={t('nav.main')}>
        <AppShell.Section grow component={ScrollArea} p="xs" onClick={close}>
          <Navigation />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

function Navigation() {
  const { t } = useTranslation()
  const projectId = useProjectId()
  if (projectId === undefined) return null
  return (
    <>
      <Text size="xs" fw={700} c="dimmed" px="sm" py={6}>
        {t('nav.data')}
      </Text>
      <NavLink
        label={t('nav.datasets')}
        leftSection={<Icon name="dataset" />}
        renderRoot={(props) => <Link to="/projects/$projectId/datasets" params={{ projectId }} {...props} />}
      />
    </>
  )
}

function ProjectSwitch() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const projects = useProjects()
  const projectId = useProjectId()
  return (
    <Select
      aria-label={t('nav.project')}
      placeholder={t('nav.noProject')}
      data={(projects.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
      value={projectId ?? null}
      onChange={(chosen) =>
        chosen !== null && void navigate({ to: '/projects/$projectId/datasets', params: { projectId: chosen } })
      }
      searchable
      allowDeselect={false}
      w="min(16rem, 45vw)"
      size="sm"
    />
  )
}

function ThemeSwitch() {
  const { t } = useTranslation()
  const { toggleColorScheme } = useMantineColorScheme()
  return (
    <ActionIcon variant="subtle" color="gray" size="lg" onClick={toggleColorScheme} aria-label={t('nav.theme')}>
      <Icon name="theme" />
    </ActionIcon>
  )
}

function AccountMenu() {
  const { t } = useTranslation()
  const me = useMe()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="light" size="lg" radius="xl" aria-label={t('nav.account')}>
          {(me.data?.email ?? '?').slice(0, 1).toUpperCase()}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.data?.email}</Menu.Label>
        <Menu.Item component="a" href="/api/v1/docs">
          {t('nav.apiReference')}
        </Menu.Item>
        <Menu.Item onClick={() => void logOut()}>{t('nav.logOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
