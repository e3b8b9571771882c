// A server as people start it, a bucket in Ceph, and a browser before them.
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { CreateBucketCommand, ListObjectsV2Command, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { inject } from 'vitest'
import { type Client, createClient } from '#client/client.ts'
import { Secret } from '#lib/secret.ts'
import { createS3Storage } from '#storage/s3/s3.ts'
import { makeDataDir, startServerProcess } from '../support/server.ts'
import { type CephAddress, CHROMIUM } from './programs.ts'

/** Who owns the servers of these tests, unless the set-up link is what is tried. */
export const owner = { email: 'owner@example.com', password: 'first-password' }

/** The bucket that a server is connected to, as its owner sees it from outside. */
export interface StageBucket extends CephAddress {
  readonly bucket: string
  /** Scheme, host and port that its bytes come from. */
  readonly origin: string
  /** Writes many objects, some at once. */
  putAll(files: ReadonlyMap<string, Buffer>): Promise<void>
  remove(keys: readonly string[]): Promise<void>
  /** Sets the rule that lets pages of an origin read the bytes themselves. */
  letPagesRead(origin: string): Promise<void>
  /** The first thousand keys in order, without those of the platform's hidden folder. */
  keys(): Promise<string[]>
}

/** A page with what it asked for and what went wrong in it. */
export interface Seat {
  readonly page: Page
  /** Origins of all requests whose answer carried bytes, with the path that each asked for. */
  readonly answered: { origin: string; path: string; status: number; type: string }[]
  /** Errors of scripts and refusals by the content security policy; empty when all is well. */
  readonly complaints: string[]
  /** Closes the window with all that it stored. */
  leave(): Promise<void>
}

/** All that a test of the console has. */
export interface Stage {
  readonly url: string
  /** Everything that the server has logged. */
  logs(): string
  readonly bucket: StageBucket
  /** Opens a window of its own, logged in as nobody. */
  seat(options?: BrowserContextOptions): Promise<Seat>
  /** Stops the server and answers what starts it again, at the same address and with what it had. */
  halt(): Promise<() => Promise<void>>
  /** The API as somebody; only for what a test does not do by hand. */
  as(email: string, password: string): Promise<Client>
  close(): Promise<void>
}

/**
 * Starts it all; `isOwned` makes the owner at the start, otherwise the server waits for its set-up link to be used. `env`: more settings of the server.
 */
export async function openStage({
  isOwned = true,
  env = {},
}: {
  isOwned?: boolean
  env?: Record<string, string>
} = {}): Promise<Stage> {
  const dataDir = await makeDataDir()
  const settings = {
    ...env,
    SLUICE_DATA_DIR: dataDir.path,
    ...(isOwned && {
      SLUICE_OWNER_EMAIL: owner.email,
      SLUICE_OWNER_PASSWORD: owner.password,
      SLUICE_ORG_NAME: 'Acme',
    }),
  }
  let server = await startServerProcess(settings)
  const { url } = server
  const browser = await openBrowser()
  const bucket = await openBucket(inject('cephAddress'))
  const base = createClient({ baseUrl: url })
  return {
    url,
    logs: () => server.output(),
    bucket,
    seat: (options) => takeSeat(browser, url, options),
    async as(email, password) {
      const { accessToken } = await base.openSession({ body: { email, password } })
      return createClient({ baseUrl: url, token: accessToken })
    },
    async halt() {
      await server.stop()
      return async () => {
        server = await startServerProcess({ ...settings, SLUICE_PORT: new URL(url).port })
      }
    },
    async close() {
      await browser.close()
      await server.stop()
      await dataDir.remove()
    },
  }
}

function openBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
  return chromium.launch({ executablePath: CHROMIUM, args })
}

async function takeSeat(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Seat> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1440, height: 900 },
    colorScheme: 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    ...options,
  })
  context.setDefaultTimeout(30_000)
  const page = await context.newPage()
  const answered: Seat['answered'] = []
  const complaints: string[] = []
  page.on('response', (response) => {
    const { origin, pathname } = new URL(response.url())
    const type = response.headers()['content-type'] ?? ''
    answered.push({ origin, path: pathname, status: response.status(), type })
  })
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message))
  page.on('console', (message) => {
    // What the API refuses is told of by the browser too; the tests look at it themselves.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text())
    }
  })
  return { page, answered, complaints, leave: () => context.close() }
}

async function openBucket(ceph: CephAddress): Promise<StageBucket> {
  const bucket = `console-${randomBytes(4).toString('hex')}`
  const { endpoint, region, accessKey, secretKey } = ceph
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const open = () =>
    createS3Storage({ bucket, endpoint, region, accessKeyId: accessKey, secretAccessKey: new Secret(secretKey) })
  return {
    ...ceph,
    bucket,
    origin: new URL(endpoint).origin,
    async putAll(files) {
      const storage = open()
      const left = [...files]
      const lane = async () => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          const [key, bytes] = next
          await storage.write(key, Readable.from([bytes]), { sizeBytes: bytes.length })
        }
      }
      await Promise.all(Array.from({ length: 16 }, lane))
      await storage.close()
    },
    async remove(keys) {
      const storage = open()
      const outcomes = await storage.remove(keys)
      await storage.close()
      const kept = outcomes.filter(({ ok }) => !ok)
      if (kept.length > 0) throw new Error(`not removed: ${kept.map(({ key }) => key).join(', ')}`)
    },
    async letPagesRead(pages) {
      const rule = {
        AllowedOrigins: [pages],
        AllowedMethods: ['GET', 'HEAD'],
        AllowedHeaders: ['*'],
        ExposeHeaders: ['ETag', 'Content-Range', 'Accept-Ranges', 'Content-Length'],
      }
      await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } }))
    },
    async keys() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
      return Contents.map(({ Key }) => Key!).filter((key) => !key.startsWith('.dataloop/'))
    },
  }
}

/** Logs in by hand, as a person does. */
export async function logIn(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
  await page.goto('/log-in')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel(/^Password/).fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL((at) => at.pathname !== '/log-in')
}
