import { Button, Code, Collapse, List, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { api } from '../../app/session.ts'
import { CopyText } from '../../ui/copy-text.tsx'
import { documentText } from '../../ui/diagnosis.tsx'
import { Failed, Loading } from '../../ui/states.tsx'
import type { newDriver } from './driver-fields.ts'

/** The least rights that a driver needs, written out for its provider, to be copied there. Asked for when somebody opens it. */
export function Policies({ body }: { body: ReturnType<typeof newDriver> }) {
  const { t } = useTranslation()
  const [isOpen, { toggle }] = useDisclosure(false)
  const { name: _, ...place } = body
  const policies = useQuery({
    queryKey: ['policies', place],
    queryFn: ({ signal }) => api.draftPolicies({ body: place, signal }),
    enabled: isOpen,
    retry: false,
  })
  return (
    <div>
      <Button variant="subtle" size="compact-sm" onClick={toggle} aria-expanded={isOpen}>
        {t('wizard.policies')}
      </Button>
      <Collapse expanded={isOpen}>
        <Stack gap="sm" mt="xs">
          {policies.error !== null && <Failed error={policies.error} retry={() => policies.refetch()} />}
          {policies.isLoading && <Loading rows={3} />}
          {policies.data !== undefined && (
            <>
              {policies.data.documents.map(({ name, use, document }) => (
                <div key={name}>
                  <CopyText label={name} text={documentText(document)} block />
                  <Text size="xs" c="dimmed">
                    {use}
                  </Text>
                </div>
              ))}
              {policies.data.terraform !== '' && <CopyText label="Terraform" text={policies.data.terraform} block />}
              {policies.data.notes.length > 0 && (
                <List size="xs">
                  {policies.data.notes.map((note) => (
                    <List.Item key={note}>{note}</List.Item>
                  ))}
                </List>
              )}
              {policies.data.documents.length === 0 && policies.data.notes.length === 0 && (
                <Code>{t('wizard.noPolicies')}</Code>
              )}
            </>
          )}
        </Stack>
      </Collapse>
    </div>
  )
}
