import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Bucket, Change } from './bucket.ts'
import { type Answer, ListingAnswers } from './listing.ts'
import { answerError, bodyOf, ObjectAnswers } from './objects.ts'

/** What the replay server has answered since it was last asked. */
export interface ReplayStats {
  readonly requests: number
  /** Keys and folded prefixes. */
  readonly keys: number
  /** Listing answers without a single key. */
  readonly empty: number
}

export interface ReplayOptions {
  readonly bucket: Bucket
  /** What the bucket is called. */
  readonly name: string
  /** Waited before a listing answer goes out: stands in for the provider's own time and the way there and back. */
  readonly latencyMs: number
  /** Memory for rendered pages. */
  readonly keptBytesMax: number
}

/** Path at which the server tells its `ReplayStats` and sets them back to nothing. */
export const statsPath = '/__stats'

/** Path at which a posted `Change` leads the bucket to its next generation; answered when everything is rendered. */
export const changePath = '/__change'

/** Makes a replay S3 server, rendered and ready to listen. Signatures are not checked. */
export function makeReplayServer(options: ReplayOptions): Server {
  const { bucket, latencyMs } = options
  const listings = new ListingAnswers(bucket, options.name, options.keptBytesMax)
  const objects = new ObjectAnswers(bucket)
  const stats = { requests: 0, keys: 0, empty: 0 }
  listings.renderAhead()
  const bucketPath = `/${options.name}`

  return createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://replay')
    if (url.pathname === statsPath) {
      response.end(JSON.stringify(stats))
      Object.assign(stats, { requests: 0, keys: 0, empty: 0 })
      return
    }
    if (url.pathname === changePath) {
      bodyOf(request)
        .then((body) => {
          bucket.change(JSON.parse(body.toString()) as Change)
          listings.renderChanged()
          response.end(JSON.stringify({ generation: bucket.generation }))
        })
        .catch(() => response.destroy())
      return
    }
    const key = url.pathname.startsWith(`${bucketPath}/`)
      ? decodeURIComponent(url.pathname.slice(bucketPath.length + 1))
      : ''
    if (url.pathname !== bucketPath && !url.pathname.startsWith(`${bucketPath}/`))
      return answerError(response, 404, 'NoSuchBucket')
    if (key !== '') {
      objects.answer(request, response, key).catch(() => response.destroy())
    } else if (request.method === 'HEAD') {
      response.writeHead(200, { 'x-amz-bucket-region': 'us-east-1' }).end()
    } else if (request.method === 'POST' && url.searchParams.has('delete')) {
      objects.removeMany(request, response).catch(() => response.destroy())
    } else if (request.method === 'PUT') {
      response.writeHead(200).end()
    } else if (url.searchParams.has('location')) {
      answerXml(response, '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>')
    } else if (url.searchParams.has('versioning')) {
      answerXml(
        response,
        '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></VersioningConfiguration>',
      )
    } else {
      const answer = listings.answer(url.searchParams)
      stats.requests += 1
      stats.keys += answer.keyCount
      if (answer.keyCount === 0) stats.empty += 1
      if (latencyMs > 0) setTimeout(() => answerListing(response, answer), latencyMs)
      else answerListing(response, answer)
    }
  })
}

function answerXml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`)
}

function answerListing(response: ServerResponse, answer: Answer): void {
  const length = answer.parts.reduce((sum, part) => sum + part.length, 0)
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': length, 'x-amz-request-id': 'replay' })
  response.cork()
  for (const part of answer.parts) response.write(part)
  response.end()
  response.uncork()
}
