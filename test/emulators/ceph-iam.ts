import { createHash, createHmac } from 'node:crypto'

const hex = (data: string) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** Where a gateway answers, and an administrator's keys. */
interface Administrator {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
}

/** Gives a user of Ceph a policy of its own, as AWS's IAM does (`PutUserPolicy`); it replaces the one before. The administrator needs the cap `user-policy=*`. */
export async function putUserPolicy(admin: Administrator, user: string, policy: object): Promise<void> {
  const body = new URLSearchParams({
    Action: 'PutUserPolicy',
    PolicyName: 'rights',
    UserName: user,
    PolicyDocument: JSON.stringify(policy),
  }).toString()
  const { host } = new URL(admin.endpoint)
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope = `${time.slice(0, 8)}/default/s3/aws4_request`
  const names = 'content-type;host;x-amz-content-sha256;x-amz-date'
  const type = 'application/x-www-form-urlencoded'
  const lines = `content-type:${type}\nhost:${host}\nx-amz-content-sha256:${hex(body)}\nx-amz-date:${time}\n`
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hex(`POST\n/\n\n${lines}\n${names}\n${hex(body)}`)}`
  const key = scope.split('/').reduce<string | Buffer>((made, part) => hmac(made, part), `AWS4${admin.secretKey}`)
  const signature = hmac(key, text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${admin.accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  const headers = { 'content-type': type, 'x-amz-content-sha256': hex(body), 'x-amz-date': time, authorization }
  const answer = await fetch(admin.endpoint, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(`Ceph did not take the policy: ${answer.status} ${await answer.text()}`)
}
