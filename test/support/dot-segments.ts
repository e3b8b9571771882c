// Keys and folders that try to climb out of a folder, for the tests of T15 of the safety design.

/** Ways to write a dot; the first is a dot, the others are characters of their own that some reader may take for one. */
const dots = ['.', '%2e', '%2E', '%252e', '%c0%ae', '\uff0e', '\u2024', '\ufe52', '\u002e', '\\x2e', '&#46;', '\\u002e']
/** Ways to write a slash. */
const slashes = ['/', '\\', '%2f', '%2F', '%5c', '%252f', '\uff0f', '\u2215', '\u2044', '//', '/./', '\\/']
/** Where the way out stands. */
const places = [
  (up: string, slash: string) => `${up}${slash}other${slash}secret.jpg`,
  (up: string, slash: string) => `a${slash}${up}${slash}${up}${slash}other/secret.jpg`,
  (up: string, slash: string) => `a/b${slash}${up}`,
]

/** Some seven hundred of them: real dot segments, and what looks like them once it is decoded, normalised or taken for another character. */
export const climbingKeys: readonly string[] = [
  ...new Set([
    ...dots.flatMap((dot) =>
      slashes.flatMap((slash) => places.flatMap((place) => [place(`${dot}${dot}`, slash), place(dot, slash)])),
    ),
    ...['.', '..', './', '../', '/..', '/.', '..;/x', '..%00/x', '.../x', '....//x', '..\u200b/x', '.\u0301./x'],
    ...['../data/x', '../../photos/other/x', '..//x', 'data/../../other/x', './../x', 'x/..', 'x/../', 'x/.', 'x/./'],
    ...['/../x', '//../x', '///..//x', 'x/..\\y', 'x\\..\\y', '..\\..\\x', 'C:\\..\\x', '\\\\host\\share\\..\\x'],
    ...['..\n/x', '..\r/x', '..\t/x', '.. /x', ' ../x', '../x?y', '../x#y', '..?/x', '..#/x', '%2e%2e%2fother%2fx'],
  ]),
]

/** Whether a part between slashes, or backslashes, is `.` or `..`: such a key is never put into an address. */
export function climbs(key: string): boolean {
  return key.split(/[/\\]/).some((part) => part === '.' || part === '..')
}
