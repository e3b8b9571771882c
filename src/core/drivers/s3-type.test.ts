// Proves which buckets, endpoints and folders an S3 driver takes, what it says about the others, and which drivers count as one bucket.
import { describe, expect, it } from 'vitest'
import type { FieldIssue } from '#core/integrations/integrations.ts'
import { folderField } from './payload.ts'
import { s3Type } from './s3-type.ts'

function check(payload: Parameters<typeof s3Type.check>[0]) {
  const issues: FieldIssue[] = []
  const config = s3Type.check(payload, issues)
  return { config, issues, paths: issues.map((issue) => issue.path) }
}

const endpoint = 'http://127.0.0.1:9000'

describe('bucket name', () => {
  it.each(['photos', 'my.bucket-1', 'abc', '1bucket1', 'a'.repeat(63)])('%s is taken', (bucketName) => {
    expect(check({ bucketName }).issues).toEqual([])
  })

  it.each([
    '',
    'ab',
    'a'.repeat(64),
    'Photos',
    'photos_1',
    '-photos',
    'photos-',
    'pho..tos',
    'pho tos',
    '192.168.1.10',
    'фото',
    'a\nb',
  ])('%j is refused on AWS', (bucketName) => {
    expect(check({ bucketName }).paths).toEqual(['payload.bucketName'])
  })

  it('may have capitals and underscores on other services, as theirs may', () => {
    expect(check({ bucketName: 'My_Photos', endpoint }).issues).toEqual([])
    expect(check({ bucketName: 'a/b', endpoint }).paths).toEqual(['payload.bucketName'])
  })

  it.each(['s3://photos/2026', 'https://photos.s3.amazonaws.com', 'S3://photos', 'arn:aws:s3:::photos'])(
    '%s is refused with what to write instead',
    (bucketName) => {
      const { issues } = check({ bucketName })
      expect(issues[0]?.message).toContain('name only')
    },
  )
})

describe('endpoint', () => {
  it.each([
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000'],
    ['https://minio.example.com:9000/', 'https://minio.example.com:9000'],
    ['https://[::1]:9000', 'https://[::1]:9000'],
  ])('%s is taken', (given, kept) => {
    expect(check({ bucketName: 'photos', endpoint: given }).config.endpoint).toBe(kept)
  })

  it.each([
    'minio:9000',
    'minio.example.com',
    'ftp://minio.example.com',
    'file:///etc/passwd',
    'http://user:word@minio.example.com',
    'http://minio.example.com/photos',
    'http://minio.example.com?x=1',
    'http://',
    'not an address',
  ])('%s is refused', (given) => {
    expect(check({ bucketName: 'photos', endpoint: given }).paths).toEqual(['payload.endpoint'])
    expect(check({ bucketName: 'photos', browserEndpoint: given }).paths).toEqual(['payload.browserEndpoint'])
  })

  it.each([
    'http://169.254.169.254',
    'http://0xa9fea9fe',
    'http://2852039166',
    'http://0251.0376.0251.0376',
    'http://[::ffff:169.254.169.254]',
    'http://[fd00:ec2::254]',
    'http://100.100.100.200',
    'http://metadata.google.internal',
    'http://metadata.google.internal.',
  ])('%s, where clouds give out credentials, is refused', (given) => {
    expect(check({ bucketName: 'photos', endpoint: given }).paths).toEqual(['payload.endpoint'])
  })
})

describe('folder', () => {
  const folder = (typed: string) => {
    const issues: FieldIssue[] = []
    return { folder: folderField(typed, issues), issues }
  }

  it.each([
    ['', ''],
    ['/', ''],
    ['A', 'A/'],
    ['A/', 'A/'],
    ['/A', 'A/'],
    ['/A/', 'A/'],
    ['a', 'a/'],
    ['a//b', 'a//b/'],
    ['//A', '/A/'],
    [' a ', ' a /'],
  ])('%j means %j', (typed, kept) => {
    expect(folder(typed)).toEqual({ folder: kept, issues: [] })
  })

  it.each(['s3://bucket/a', 'https://host/a', '../a', 'a/./b', 'a/..', 'a\nb', 'a\ud800', 'x'.repeat(2000)])(
    '%j is refused',
    (typed) => {
      expect(folder(typed).issues).toHaveLength(1)
    },
  )
})

describe('two drivers are one bucket', () => {
  const fingerprint = (payload: Parameters<typeof s3Type.check>[0]) => s3Type.fingerprint(check(payload).config, null)

  it('whatever region and folder they name on AWS, and whether or not its endpoint is written out', () => {
    const plain = fingerprint({ bucketName: 'photos' })
    expect(fingerprint({ bucketName: 'photos', region: 'eu-west-1', path: 'a' })).toBe(plain)
    expect(fingerprint({ bucketName: 'photos', endpoint: 'https://s3.eu-west-1.amazonaws.com' })).toBe(plain)
  })

  it('but not in another partition, on another host or with another name', () => {
    const all = [
      { bucketName: 'photos' },
      { bucketName: 'photos2' },
      { bucketName: 'photos', region: 'cn-north-1' },
      { bucketName: 'photos', endpoint },
      { bucketName: 'photos', endpoint: 'http://127.0.0.1:9001' },
    ].map(fingerprint)
    expect(new Set(all).size).toBe(all.length)
  })
})
