import type { doctorRoutes } from '#contract/doctor.ts'
import type { DriverPayload } from '#contract/drivers.ts'
import {
  type Diagnosis,
  draftPolicies,
  driverPolicies,
  examineDraft,
  examineDriver,
  type PolicyChoice,
  type PolicySet,
  prepareBrowserTrial,
} from '#core/drivers/drivers.ts'
import { toIso } from '#lib/clock.ts'
import type { Handlers } from '../handler.ts'

/** Answers what a storage has to be told for a driver, and what is missing of it. */
export const doctorHandlers: Handlers<typeof doctorRoutes> = {
  async draftPolicies(deps, { access, body, baseUrl }) {
    const { abortUploads, kmsKey } = body
    const choice = { origin: originOf(baseUrl), abortUploads: abortUploads ?? false, kmsKeyArn: kmsKey }
    const policies = await draftPolicies(deps, draftOf(access, body), choice)
    return render(policies)
  },

  async driverPolicies(deps, { params, query, baseUrl }) {
    const { abortUploads, kmsKey } = query
    const choice = { origin: originOf(baseUrl), abortUploads: abortUploads === 'true', kmsKeyArn: kmsKey }
    return render(await driverPolicies(deps, params.driverId, choice))
  },

  async examineDraft(deps, { caller, access, body, baseUrl }) {
    const origin = originOf(baseUrl)
    const described = draftOf(access, body)
    const found = await examineDraft(deps, caller, { ...described, projectId: access.projectId! }, origin)
    const policies = found.cors === null ? null : await draftPolicies(deps, described, plainChoice(origin))
    return renderDiagnosis(found, origin, policies)
  },

  async examineDriver(deps, { caller, params, baseUrl }) {
    const origin = originOf(baseUrl)
    const found = await examineDriver(deps, caller, params.driverId, origin)
    const policies = found.cors === null ? null : await driverPolicies(deps, params.driverId, plainChoice(origin))
    return renderDiagnosis(found, origin, policies)
  },

  async prepareBrowserTrial(deps, { params, baseUrl }) {
    const { request, text, headers } = await prepareBrowserTrial(deps, params.driverId)
    return {
      url: request.url,
      headers: { ...request.headers },
      expiresAt: toIso(request.expiresAtMs),
      expect: { status: 206, text, headers: [...headers] },
      rule: corsRule(await driverPolicies(deps, params.driverId, plainChoice(originOf(baseUrl)))),
    }
  },
}

interface DraftBody {
  readonly type: string
  readonly integrationId?: string | null | undefined
  readonly integrationType?: string | null | undefined
  readonly payload: DriverPayload
  readonly allowExternalDelete?: boolean | null | undefined
}

function draftOf(access: { readonly orgId?: string }, body: DraftBody) {
  return {
    orgId: access.orgId!,
    type: body.type,
    integrationId: body.integrationId ?? null,
    integrationType: body.integrationType ?? null,
    payload: body.payload,
    allowDelete: body.allowExternalDelete ?? false,
  }
}

function plainChoice(origin: string): PolicyChoice {
  return { origin, abortUploads: false }
}

function corsRule({ documents }: PolicySet): unknown {
  return documents.find(({ name }) => name === 'cors')?.document ?? null
}

function renderDiagnosis(found: Diagnosis, origin: string, policies: PolicySet | null) {
  const { ok, failure, probes, warnings, region, clockAheadSeconds, cors, capabilities } = found
  return {
    ok,
    code: failure?.code ?? null,
    message: failure?.message ?? null,
    probes: [...probes],
    warnings: [...warnings],
    region,
    clockAheadSeconds,
    cors:
      cors === null || policies === null
        ? null
        : { ok: cors.ok, missing: [...cors.missing], origin, rule: corsRule(policies) },
    abilities:
      capabilities === null
        ? null
        : {
            listsBelowFolder: capabilities.list_below,
            readsParts: capabilities.read_range,
            writes: capabilities.write,
            writesIfAbsent: capabilities.write_if_absent,
            removesIfUnchanged: capabilities.remove_if_match,
            signsAddresses: capabilities.sign_read,
          },
  }
}

function render({ documents, terraform, notes }: PolicySet) {
  return { documents: [...documents], terraform, notes: [...notes] }
}

function originOf(baseUrl: string): string {
  return new URL(baseUrl).origin
}
