import { type Egress, openEgress } from '../egress.ts'
import { googleAddresses } from './addresses.ts'
import { createCaller } from './call.ts'
import { type GcsLogin, openLogin } from './login.ts'

/** Asks Google once for a token as another account, and throws it away; for the proof of a cross-project trust. Throws `role-denied` where it was refused. */
export async function tryImpersonation(
  login: Extract<GcsLogin, { kind: 'impersonation' }>,
  { standIn, egress = openEgress }: { readonly standIn?: string | undefined; readonly egress?: Egress | undefined },
): Promise<void> {
  const caller = createCaller(egress, 1)
  try {
    await openLogin(login, { caller, addresses: googleAddresses(undefined, standIn) }).tokens.get({ op: 'log-in' })
  } finally {
    caller.close()
  }
}
