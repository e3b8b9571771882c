import { Alert, Center, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FirstPasswordForm } from '../../app/first-password-form.tsx'
import { linkToken } from '../../app/link-token.ts'
import { api } from '../../app/session.ts'
import { PageLink } from '../../ui/link.tsx'
import { Failed, Loading } from '../../ui/states.tsx'

/** Where the one-time link of a fresh server leads: it makes the first owner and the first organization. */
export function SetupPage() {
  const { t } = useTranslation()
  const setup = useQuery({ queryKey: ['setup'], queryFn: ({ signal }) => api.getSetup({ signal }) })
  return (
    <Center component="main" mih="100%" p="md">
      <Paper withBorder p="xl" w="min(28rem, 100%)">
        <Title order={1} size="h3" mb="sm">
          {t('setup.title')}
        </Title>
        {setup.error !== null && <Failed error={setup.error} retry={() => setup.refetch()} />}
        {setup.isPending && <Loading rows={4} />}
        {setup.data?.isOpen === false && <SetupDone />}
        {setup.data?.isOpen === true && <SetupForm />}
      </Paper>
    </Center>
  )
}

function SetupDone() {
  const { t } = useTranslation()
  return (
    <Stack align="flex-start">
      <Text>{t('setup.done')}</Text>
      <PageLink to="/log-in">{t('login.submit')}</PageLink>
    </Stack>
  )
}

function SetupForm() {
  const { t } = useTranslation()
  const [token] = useState(linkToken)
  const makeOwner = async (password: string, given: FormData) => {
    const email = String(given.get('email'))
    await api.finishSetup({ body: { token, email, password, orgName: String(given.get('orgName')) } })
    return email
  }
  if (token === '') return <Alert color="yellow">{t('setup.noToken')}</Alert>
  return (
    <FirstPasswordForm text={t('setup.text')} deed={t('setup.submit')} setPassword={makeOwner}>
      <TextInput name="orgName" label={t('setup.orgName')} maxLength={255} required />
      <TextInput name="email" type="email" label={t('login.email')} autoComplete="username" required />
    </FirstPasswordForm>
  )
}
