// Artifacts as tools push them, and what of a registry must become files: worked out here from what was pushed, by none of the driver's code.
import type { Pushed, Registry } from '../emulators/registry.ts'

/** Media types as registries know them. */
export const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const

/** A descriptor of something that was pushed. */
export const described = ({ digest, size, mediaType }: Pushed, more: object = {}) => ({
  mediaType,
  digest,
  size,
  ...more,
})

/** A file as it must be found: its key, its bytes and what is said of them. */
export interface ExpectedFile {
  readonly key: string
  readonly etag: string
  readonly bytes: Buffer
  readonly contentType: string
}

const file = (folder: string, name: string, { digest, bytes, mediaType }: Pushed): ExpectedFile => ({
  key: `${folder}${name}`,
  etag: digest,
  bytes,
  contentType: mediaType,
})

/** Pushes an image of one platform with so many layers; answers its manifest and its files below `<repository>/<tag>/`. */
export async function pushImage(
  registry: Registry,
  repository: string,
  tag: string | null,
  content: string,
  layers = 2,
): Promise<{ manifest: Pushed; blobs: ExpectedFile[]; files: ExpectedFile[] }> {
  const folder = `${repository}/${tag}/`
  const config = await registry.pushBlob(repository, Buffer.from(JSON.stringify({ of: content })), types.config)
  const pushed: Pushed[] = []
  for (let n = 0; n < layers; n++) {
    pushed.push(await registry.pushBlob(repository, Buffer.from(`layer ${n} of ${content}`), types.layer))
  }
  const body = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: described(config),
    layers: pushed.map((layer) => described(layer)),
  }
  const text = Buffer.from(JSON.stringify(body, null, 1))
  const { createHash } = await import('node:crypto')
  const reference = tag ?? `sha256:${createHash('sha256').update(text).digest('hex')}`
  const manifest = await registry.pushManifest(repository, reference, text, types.manifest)
  const blobs = [
    file(folder, `${config.digest.replace(':', '-')}.json`, config),
    ...pushed.map((layer) => file(folder, `${layer.digest.replace(':', '-')}.tar.gz`, layer)),
  ]
  return { manifest, blobs, files: [file(folder, 'manifest.json', manifest), ...blobs] }
}

/** Pushes an index of images for two platforms and one that names none. */
export async function pushIndex(
  registry: Registry,
  repository: string,
  tag: string,
  content: string,
): Promise<ExpectedFile[]> {
  const folder = `${repository}/${tag}/`
  const amd = await pushImage(registry, repository, null, `${content} amd64`, 1)
  const arm = await pushImage(registry, repository, null, `${content} arm64`, 1)
  const proof = await pushImage(registry, repository, null, `${content} proof`, 1)
  const manifests = [
    described(amd.manifest, { platform: { os: 'linux', architecture: 'amd64' } }),
    described(arm.manifest, { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }),
    described(proof.manifest, { platform: { os: 'unknown', architecture: 'unknown' } }),
  ]
  const body = { schemaVersion: 2, mediaType: types.index, manifests }
  const index = await registry.pushManifest(repository, tag, body, types.index)
  const moved = [amd, arm, proof].flatMap(({ blobs }) => blobs)
  return [
    file(folder, 'manifest.json', index),
    file(folder, 'linux-amd64.manifest.json', amd.manifest),
    file(folder, 'linux-arm64-v8.manifest.json', arm.manifest),
    file(folder, `${proof.manifest.digest.replace(':', '-')}.manifest.json`, proof.manifest),
    ...moved.map((one) => ({ ...one, key: one.key.replace(`${repository}/null/`, folder) })),
  ]
}

/** Pushes files as an artifact, each with its title. */
export async function pushFiles(
  registry: Registry,
  repository: string,
  tag: string,
  files: Readonly<Record<string, string>>,
): Promise<ExpectedFile[]> {
  const folder = `${repository}/${tag}/`
  const empty = await registry.pushBlob(repository, Buffer.from('{}'), 'application/vnd.oci.empty.v1+json')
  const layers: object[] = []
  const expected: ExpectedFile[] = []
  for (const [title, text] of Object.entries(files)) {
    const mediaType = title.endsWith('.jpg') ? 'image/jpeg' : 'text/plain'
    const blob = await registry.pushBlob(repository, Buffer.from(text), mediaType)
    layers.push(described(blob, { annotations: { 'org.opencontainers.image.title': title } }))
    expected.push(file(folder, title.replaceAll('%', '%25').replaceAll('/', '%2F'), blob))
  }
  const body = {
    schemaVersion: 2,
    mediaType: types.manifest,
    artifactType: 'application/vnd.example.photos',
    config: described(empty),
    layers,
    annotations: { 'org.opencontainers.image.created': '2026-01-02T03:04:05Z' },
  }
  const manifest = await registry.pushManifest(repository, tag, body, types.manifest)
  const emptyFile = file(folder, `${empty.digest.replace(':', '-')}.json`, empty)
  return [file(folder, 'manifest.json', manifest), emptyFile, ...expected]
}
