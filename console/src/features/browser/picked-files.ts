/** A file with where it was below what was picked or dropped: `holiday/day 1/a.jpg`, or its name alone. */
export interface PickedFile {
  readonly file: File
  readonly path: string
}

/** What a file input gives, whether it picks files or a folder. */
export function pickedFiles(files: Iterable<File>): PickedFile[] {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }))
}

/** Everything that was dropped, folders with all that is in them. */
export async function droppedFiles(items: DataTransferItemList): Promise<PickedFile[]> {
  // The list is empty as soon as the event is over, so the entries are taken before anything is waited for.
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const found: PickedFile[] = []
  for (const entry of entries) await collect(entry, found)
  return found
}

async function collect(entry: FileSystemEntry, found: PickedFile[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    found.push({ file, path: entry.fullPath.replace(/^\//, '') })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // Browsers give a hundred at a time, and an empty list at the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return
    for (const each of entries) await collect(each, found)
  }
}

/** Full path of the item that a file becomes in a folder. */
export function itemPath(folder: string, path: string): string {
  return `${folder === '/' ? '' : folder}/${path}`
}
