import { Alert, Button, Divider, Group, PasswordInput, Stack, Table, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '../../app/place.ts'
import { api, logIn } from '../../app/session.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { CopyText } from '../../ui/copy-text.tsx'
import { FormProblem } from '../../ui/form-problem.tsx'
import { formatTime } from '../../ui/format.ts'
import { Failed, Loading } from '../../ui/states.tsx'
import { toast } from '../../ui/toasts.tsx'

/** The password and the API keys of who is logged in. */
export function AccountSettings() {
  const me = useMe()
  return (
    <Stack>
      {me.data !== undefined && <Password email={me.data.email} />}
      <Divider />
      <ApiKeys />
    </Stack>
  )
}

function Password({ email }: { email: string }) {
  const { t } = useTranslation()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const change = useMutation({
    mutationFn: async () => {
      await api.changePassword({ body: { currentPassword: current, newPassword: next } })
      // It may have ended this log-in too.
      await logIn(email, next)
    },
    onSuccess: () => {
      setCurrent('')
      setNext('')
      toast(t('settings.passwordChanged'))
    },
  })
  const eye = { visibilityToggleButtonProps: { 'aria-label': t('login.showPassword'), tabIndex: 0 } }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        change.mutate()
      }}
    >
      <Stack gap="sm">
        <Text fw={600}>{t('settings.password')}</Text>
        <input type="hidden" autoComplete="username" value={email} readOnly />
        <PasswordInput
          {...eye}
          label={t('settings.currentPassword')}
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          autoComplete="current-password"
        />
        <PasswordInput
          {...eye}
          label={t('settings.newPassword')}
          value={next}
          onChange={(event) => setNext(event.currentTarget.value)}
          autoComplete="new-password"
        />
        <FormProblem error={change.error} />
        <Group justify="flex-end">
          <Button type="submit" disabled={current === '' || next.length < 8} loading={change.isPending}>
            {t('settings.changePassword')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function ApiKeys() {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [description, setDescription] = useState('')
  const [ending, setEnding] = useState<string | null>(null)
  const keys = useQuery({ queryKey: ['apiKeys'], queryFn: ({ signal }) => api.listApiKeys({ signal }) })
  const refresh = () => queries.invalidateQueries({ queryKey: ['apiKeys'] })
  const make = useMutation({
    mutationFn: () => api.createApiKey({ body: { description } }),
    // Shown once: the answer is not kept anywhere but on the screen.
    gcTime: 0,
    onSuccess: async () => {
      setDescription('')
      await refresh()
    },
  })
  const revoke = useMutation({
    mutationFn: (apiKeyId: string) => api.deleteApiKey({ params: { apiKeyId } }),
    onSuccess: async () => {
      toast(t('settings.revoked'))
      setEnding(null)
      await refresh()
    },
  })
  return (
    <Stack gap="sm">
      <Text fw={600}>{t('settings.apiKeys')}</Text>
      <Text size="sm" c="dimmed">
        {t('settings.apiKeysText')}
      </Text>
      {keys.error !== null && <Failed error={keys.error} retry={() => keys.refetch()} />}
      {keys.isPending && <Loading rows={2} />}
      {keys.data?.length === 0 && <Text size="sm">{t('settings.noKeys')}</Text>}
      {keys.data !== undefined && keys.data.length > 0 && (
        <Table>
          <Table.Tbody>
            {keys.data.map((key) => (
              <Table.Tr key={key.id}>
                <Table.Td className="name">{key.description || t('settings.unnamed')}</Table.Td>
                <Table.Td>
                  <Text size="sm" c="dimmed">
                    {t('settings.expires')} {formatTime(key.expiresAt)}
                  </Text>
                </Table.Td>
                <Table.Td ta="right">
                  <Button size="compact-sm" variant="subtle" color="red" onClick={() => setEnding(key.id)}>
                    {t('settings.revoke')}
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {make.data !== undefined && (
        <Alert color="teal" title={t('settings.keyMade')} role="status">
          <CopyText label={t('settings.key')} text={make.data.jwt} />
        </Alert>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <Group align="flex-end">
          <TextInput
            flex={1}
            label={t('settings.keyDescription')}
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
            maxLength={1000}
          />
          <Button type="submit" loading={make.isPending}>
            {t('settings.makeKey')}
          </Button>
        </Group>
      </form>
      <FormProblem error={make.error} />
      {ending !== null && (
        <Confirm
          title={t('settings.revokeTitle')}
          deed={t('settings.revoke')}
          isBusy={revoke.isPending}
          error={revoke.error}
          confirm={() => revoke.mutate(ending)}
          close={() => setEnding(null)}
        >
          <Text size="sm">{t('settings.revokeText')}</Text>
        </Confirm>
      )}
    </Stack>
  )
}
