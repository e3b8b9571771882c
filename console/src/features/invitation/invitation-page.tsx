import { Alert, Center, Paper, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FirstPasswordForm } from '../../app/first-password-form.tsx'
import { linkToken } from '../../app/link-token.ts'
import { api } from '../../app/session.ts'

/** Where an invitation link leads: whoever was added sets their first password, and is logged in. */
export function InvitationPage() {
  const { t } = useTranslation()
  const [token] = useState(linkToken)
  const accept = async (password: string) => (await api.acceptInvitation({ body: { token, password } })).email
  return (
    <Center component="main" mih="100%" p="md">
      <Paper withBorder p="xl" w="min(28rem, 100%)">
        <Title order={1} size="h3" mb="sm">
          {t('invitation.title')}
        </Title>
        {token === '' ? (
          <Alert color="yellow">{t('invitation.noToken')}</Alert>
        ) : (
          <FirstPasswordForm text={t('invitation.text')} deed={t('invitation.submit')} setPassword={accept} />
        )}
      </Paper>
    </Center>
  )
}
