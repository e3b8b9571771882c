import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Failed } from './states.tsx'

interface Props {
  title: string
  /** What will happen, in whole sentences. */
  children: ReactNode
  /** What the button says: the deed, not “OK”. */
  deed: string
  /** To be typed before the button works, for what cannot be taken back. */
  typed?: string | undefined
  /** Whether something else keeps the deed from being done. */
  isBlocked?: boolean
  isBusy: boolean
  error: unknown
  confirm: () => void
  close: () => void
}

/** Asks before something is destroyed. */
export function Confirm({ title, children, deed, typed, isBlocked = false, isBusy, error, confirm, close }: Props) {
  const { t } = useTranslation()
  const [given, setGiven] = useState('')
  const isReady = !isBlocked && (typed === undefined || given === typed)
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': t('actions.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) confirm()
        }}
      >
        <Stack>
          {children}
          {typed !== undefined && !isBlocked && (
            <TextInput
              label={t('actions.typeName', { name: typed })}
              value={given}
              onChange={(event) => setGiven(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          {error != null && <Failed error={error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('actions.cancel')}
            </Button>
            <Button type="submit" color="red" disabled={!isReady} loading={isBusy}>
              {deed}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
