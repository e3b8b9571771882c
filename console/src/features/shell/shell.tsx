import { ActionIcon, AppShell, Burger, Group, Menu, ScrollArea, Text, useMantineColorScheme } from '@mantine/core'
import { useDisclosure, useReducedMotion } from '@mantine/hooks'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Bell } from '../../app/bell.tsx'
import { ConnectDrawer } from '../../app/connect-drawer.tsx'
import { useMe } from '../../app/place.ts'
import { logOut } from '../../app/session.ts'
import { Icon } from '../../ui/icon.tsx'
import { Navigation } from './navigation.tsx'
import { ProjectSwitch } from './project-switch.tsx'
import classes from './shell.module.css'

/** The frame around every page: where one is, where one can go, who one is. */
export function Shell() {
  const { t } = useTranslation()
  const [isOpen, { toggle, close }] = useDisclosure()
  const isStill = useReducedMotion()
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={0}
      transitionDuration={isStill ? 0 : 200}
    >
      <a href="#page" className={classes.skip}>
        {t('nav.skip')}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger
            opened={isOpen}
            onClick={toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={t('nav.toggle')}
            aria-expanded={isOpen}
          />
          <Link to="/" aria-label={t('app.name')} className={classes.home}>
            <Icon name="logo" size={28} />
            <Text fw={700} visibleFrom="xs" component="span">
              {t('app.name')}
            </Text>
          </Link>
          <ProjectSwitch />
          <Group ml="auto" gap="xs" wrap="nowrap">
            <Bell />
            <ThemeSwitch />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={t('nav.main')}>
        <AppShell.Section grow component={ScrollArea} p="xs">
          <Navigation follow={close} />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1} className={classes.main}>
        <Outlet />
      </AppShell.Main>
      <ConnectDrawer />
    </AppShell>
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
  const navigate = useNavigate()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="light" size="lg" radius="xl" aria-label={t('nav.account')}>
          {(me.data?.email ?? '?').slice(0, 1).toUpperCase()}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className="name">{me.data?.email}</Menu.Label>
        <Menu.Item onClick={() => void navigate({ to: '/settings', search: { tab: 'account' } })}>
          {t('settings.account')}
        </Menu.Item>
        <Menu.Item component="a" href="/api/v1/docs">
          {t('nav.apiReference')}
        </Menu.Item>
        <Menu.Item onClick={() => void logOut()}>{t('nav.logOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
