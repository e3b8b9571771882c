import { Button, PasswordInput, Stack, Text } from '@mantine/core'
import { useRouter } from '@tanstack/react-router'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FormProblem } from '../ui/form-problem.tsx'
import { logIn } from './session.ts'

interface Props {
  /** What the form is for. */
  text: string
  /** What its button says. */
  deed: string
  /** Fields that come before the password. */
  children?: ReactNode
  /** Hands over the password, and what else was filled in; gives the e-mail address whose it is from now on. */
  setPassword: (password: string, given: FormData) => Promise<string>
}

/** For those whom a one-time link brought: they choose their first password, and are logged in with it. */
export function FirstPasswordForm({ text, deed, children, setPassword }: Props) {
  const { t } = useTranslation()
  const router = useRouter()
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    const password = String(given.get('password'))
    setBusy(true)
    setError(null)
    try {
      await logIn(await setPassword(password, given), password)
      // The link is used up; going back does not lead to it.
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
          {text}
        </Text>
        {children}
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
          {deed}
        </Button>
      </Stack>
    </form>
  )
}
