import type { doctorRoutes } from '#contract/doctor.ts'
import { draftPolicies, driverPolicies, type PolicySet } from '#core/drivers/drivers.ts'
import type { Handlers } from '../handler.ts'

/** Answers what a storage has to be told for a driver, and what is missing of it. */
export const doctorHandlers: Handlers<typeof doctorRoutes> = {
  async draftPolicies(deps, { access, body, baseUrl }) {
    const { type, payload, abortUploads, kmsKey } = body
    const draft = {
      orgId: access.orgId!,
      type,
      integrationId: body.integrationId ?? null,
      integrationType: body.integrationType ?? null,
      payload,
      allowDelete: body.allowExternalDelete ?? false,
    }
    const policies = await draftPolicies(deps, draft, {
      origin: originOf(baseUrl),
      abortUploads: abortUploads ?? false,
      kmsKeyArn: kmsKey,
    })
    return render(policies)
  },

  async driverPolicies(deps, { params, query, baseUrl }) {
    const { abortUploads, kmsKey } = query
    const choice = { origin: originOf(baseUrl), abortUploads: abortUploads === 'true', kmsKeyArn: kmsKey }
    return render(await driverPolicies(deps, params.driverId, choice))
  },
}

function render({ documents, terraform, notes }: PolicySet) {
  return { documents: [...documents], terraform, notes: [...notes] }
}

function originOf(baseUrl: string): string {
  return new URL(baseUrl).origin
}
