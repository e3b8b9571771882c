import { Alert, Code, List, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#client/client.ts'

/** What is wrong with each field, by its place in the request, as the API tells it. */
export function fieldProblems(error: unknown): ReadonlyMap<string, string> {
  const details = error instanceof ApiError ? error.details : undefined
  const places = Array.isArray(details) ? (details as { path?: unknown; message?: unknown }[]) : []
  return new Map(places.map(({ path, message }) => [String(path ?? ''), String(message ?? '')]))
}

/** Why a form was not taken. Places that a field of the form shows itself are left out by `shown`. */
export function FormProblem({ error, shown = [] }: { error: unknown; shown?: readonly string[] }) {
  const { t } = useTranslation()
  if (error == null) return null
  const text = error instanceof Error ? error.message : String(error)
  // Some messages tell of the fields themselves.
  const others = [...fieldProblems(error)].filter(([path, message]) => !shown.includes(path) && !text.includes(message))
  return (
    <Alert color="red" role="alert" title={t('states.failed')}>
      <Text size="sm" className="name">
        {text}
      </Text>
      {others.length > 0 && (
        <List size="sm" mt={4}>
          {others.map(([path, message]) => (
            <List.Item key={path} className="name">
              {path === '' ? message : `${path}: ${message}`}
            </List.Item>
          ))}
        </List>
      )}
      {error instanceof ApiError && error.requestId !== undefined && (
        <Code mt="xs">{t('states.requestId', { id: error.requestId })}</Code>
      )}
    </Alert>
  )
}
