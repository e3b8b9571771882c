import type { DriverPayload } from '#contract/drivers.ts'
import type { FieldIssue } from '#core/integrations/integrations.ts'
import { AppError } from '#lib/app-error.ts'
import { type DriverModule, driverModules, type ModuleField } from '#storage/modules.ts'
import type { StorageSpec } from '#storage/open.ts'
import { compact, textField } from './payload.ts'
import type { DriverConfig, DriverType } from './types.ts'

/** The kind of integration whose value a module's driver is given as its secret. */
const SECRET_TYPE = 'key_value'
const TEXT_MAX = 4096

/** The types of driver that the operator's modules bring (docs/drivers.md); what they ask for follows from their description. */
export function moduleTypes(): readonly DriverType[] {
  return driverModules().map(toType)
}

/** What a form has to ask for, for each type that the operator added. */
export function listModuleTypes() {
  return driverModules().map(({ type, label, secret, fields }) => ({
    type,
    label,
    integrationTypes: secret === 'none' ? [] : [SECRET_TYPE],
    isIntegrationRequired: secret === 'required',
    fields: fields.map(({ name, label, type, required }) => ({ name, label, type, required })),
  }))
}

function toType(module: DriverModule): DriverType {
  const places = module.fields.filter((field) => field.isPlace === true).map(({ name }) => name)
  return {
    type: module.type,
    provider: 'module',
    integrationTypes: module.secret === 'none' ? null : [SECRET_TYPE],
    isIntegrationOptional: () => module.secret === 'optional',
    opensWith: [SECRET_TYPE, null],
    placeFields: [...places, 'path'],

    check(payload: DriverPayload, issues: FieldIssue[]): DriverConfig {
      const config: Record<string, string | boolean | undefined> = {}
      for (const field of module.fields) config[field.name] = takeField(field, payload[field.name], issues)
      return compact({ ...config, path: textField(payload.path), proxy: payload.proxy ?? undefined })
    },

    fingerprint: (config) => JSON.stringify([module.type, ...places.map((name) => config[name] ?? null)]),

    spec(config, { credentials }): StorageSpec {
      const given = module.fields.filter(({ name }) => config[name] !== undefined)
      return {
        provider: 'module',
        type: module.type,
        fields: Object.fromEntries(given.map(({ name }) => [name, config[name]!])),
        secret: credentials?.get('value') ?? null,
      }
    },
  }
}

/** A type whose module this server does not have (any more): its drivers are kept and shown, and cannot be reached, made or changed. */
export function missingType(type: string): DriverType {
  const refuse = (): never => {
    const message = `This server has no module for storage drivers of the type ${type}; its operator adds it (SLUICE_DRIVERS).`
    throw new AppError('driver.invalid', { message, details: [{ path: 'type', message }] })
  }
  return {
    type,
    provider: 'module',
    integrationTypes: [SECRET_TYPE],
    isIntegrationOptional: () => true,
    opensWith: [],
    placeFields: [],
    check: refuse,
    fingerprint: refuse,
    spec: refuse,
  }
}

function takeField(field: ModuleField, given: unknown, issues: FieldIssue[]): string | boolean | undefined {
  const isAbsent = given === undefined || given === null || given === ''
  const message = isAbsent ? `“${field.label}” is required.` : problemOf(field, given)
  if (isAbsent ? field.required : message !== null) issues.push({ path: `payload.${field.name}`, message: message! })
  return isAbsent || message !== null ? undefined : (given as string | boolean)
}

function problemOf({ type, label, pattern, wanted }: ModuleField, given: unknown): string | null {
  if (type === 'boolean') return typeof given === 'boolean' ? null : `“${label}” is true or false.`
  const isText = typeof given === 'string' && given.length <= TEXT_MAX && given.isWellFormed() && !/\p{Cc}/u.test(given)
  // Anchored here, and as a copy: a pattern with the flag g remembers where it stopped.
  const isFit =
    isText &&
    (pattern === undefined || new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, '')).test(given))
  return isFit ? null : (wanted ?? `“${label}” is not of the form that is wanted.`)
}
