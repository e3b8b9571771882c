import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { linkToken } from '../../app/link-token.ts'
import { api, logIn } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'
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
  const router = useRouter()
  const [token] = useState(linkToken)
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    const [email, password, orgName] = ['email', 'password', 'orgName'].map((name) => String(given.get(name)))
    setBusy(true)
    setError(null)
    try {
      await api.finishSetup({ body: { token, email: email!, password: password!, orgName: orgName! } })
      await logIn(email!, password!)
      router.history.replace('/')
    } catch (failure) {
      setError(failure)
      setBusy(false)
    }
  }
  if (token === '') return <Alert color="yellow">{t('setup.noToken')}</Alert>
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t('setup.text')}
        </Text>
        <TextInput name="orgName" label={t('setup.orgName')} maxLength={255} required />
        <TextInput name="email" type="email" label={t('login.email')} autoComplete="username" required />
        <PasswordInput
          name="password"
          label={t('setup.password')}
          autoComplete="new-password"
          minLength={8}
          visibilityToggleButtonProps={{ 'aria-label': t('login.showPassword'), tabIndex: 0 }}
          required
        />
        <FormProblem error={error} />
        <Button type="submit" loading={isBusy}>
          {t('setup.submit')}
        </Button>
      </Stack>
    </form>
  )
}
