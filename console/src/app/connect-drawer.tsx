import { lazy, Suspense } from 'react'
import { closeConnect, useConnecting } from './connect.ts'

const ConnectWizard = lazy(async () => ({
  default: (await import('../features/wizard/connect-wizard.tsx')).ConnectWizard,
}))

/** Holds the wizard's place in the frame; its code is fetched when it is opened first. */
export function ConnectDrawer() {
  const connecting = useConnecting()
  if (connecting === null) return null
  return (
    <Suspense>
      <ConnectWizard key={JSON.stringify(connecting)} start={connecting} close={closeConnect} />
    </Suspense>
  )
}
