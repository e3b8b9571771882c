import { Alert, Button, Center, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { logIn } from '../../app/session.ts'

/** Where a person logs in. */
export function LoginPage() {
  const { t } = useTranslation()
  const router = useRouter()
  const { to } = useSearch({ from: '/log-in' })
  const [error, setError] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    setBusy(true)
    setError(null)
    try {
      await logIn(String(given.get('email')), String(given.get('password')))
      router.history.push(to ?? '/')
    } catch (failure) {
      setError((failure as Error).message)
      setBusy(false)
    }
  }
  return (
    <Center component="main" mih="100%" p="md">
      <Paper withBorder p="xl" w="min(24rem, 100%)">
        <form onSubmit={submit}>
          <Stack>
            <Title order={1} size="h3">
              {t('login.title')}
            </Title>
            <TextInput name="email" type="email" label={t('login.email')} autoComplete="username" required />
            <PasswordInput name="password" label={t('login.password')} autoComplete="current-password" required />
            {error !== null && (
              <Alert color="red" role="alert">
                {error}
              </Alert>
            )}
            <Button type="submit" loading={isBusy}>
              {t('login.submit')}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
