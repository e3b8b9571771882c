import { names } from './prepare.ts'

/** Ten lines of Python for the vendor's SDK that work when they are pasted; the demo prints them and `npm run test:sdk` runs them. */
export function sdkSnippet(o: {
  readonly url: string
  readonly email: string
  readonly password: string
  readonly filepath: string
}): string {
  const text = (value: string) => JSON.stringify(value)
  return `# pip install dtlpy==1.124.2
import dtlpy as dl
server = ${text(o.url)}
dl.add_environment(environment=server + "/api/v1", alias="sluice", gate_url=server, url=server + "/", verify_ssl=False)
dl.setenv("sluice")
dl.login_m2m(email=${text(o.email)}, password=${text(o.password)})
dataset = dl.projects.get(project_name=${text(names.project)}).datasets.get(dataset_name=${text(names.dataset)})
print(dataset.name, dataset.items.list().items_count)
item = dataset.items.get(filepath=${text(o.filepath)})
print(item.filename, item.download(local_path="."))`
}
