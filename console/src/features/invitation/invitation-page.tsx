import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { linkToken } from '../../app/link-token.ts'
import { api, logIn } from '../../app/session.ts'
import { FormProblem } from '../../ui/form-problem.tsx'

/** Where an invitation link leads: whoever was added sets their first password, and is logged in. */
export function InvitationPage() {
  const { t } = useTranslation()
  const [token] = useState(linkToken)
  return (
    <Center component="main" mih="100%" p="md">
      <Paper withBorder p="xl" w="min(28rem, 100%)">
        <Title order={1} size="h3" mb="sm">
          {t('invitation.title')}
        </Title>
        {token === '' ? <Alert color="yellow">{t('invitation.noToken')}</Alert> : <PasswordForm token={token} />}
      </Paper>
    </Center>
  )
}

function PasswordForm({ token }: { token: string }) {
  const { t } = useTranslation()
  const router = useRouter()
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const password = String(new FormData(event.currentTarget).get('password'))
    setBusy(true)
    setError(null)
    try {
      const { email } = await api.acceptInvitation({ body: { token, password } })
      await logIn(email, password)
      router.history.replace('/')
    } catch (failure) {
      setError(failure)
      setBusy(false)
    }
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {t('invitation.text')}
        </Text>
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
          {t('invitation.submit')}
        </Button>
      </Stack>
    </form>
  )
}
