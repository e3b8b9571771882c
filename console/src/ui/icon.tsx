/** Outlines on a grid of 24, drawn for us; the words beside or the label of the button say what they mean. */
const paths = {
  logo: 'M3 9c3-2.6 4.5-2.6 7.5 0s4.5 2.6 7.5 0M3 15c3-2.6 4.5-2.6 7.5 0s4.5 2.6 7.5 0',
  dataset:
    'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  storage: 'M7 18a4 4 0 0 1-.5-8 6 6 0 0 1 11.5 1.5A3.3 3.3 0 0 1 17.5 18Z',
  integration: 'M9 4h3v3a2 2 0 1 0 4 0V4h4v6h-3a2 2 0 1 0 0 4h3v6H9v-4H7a2 2 0 1 1 0-4h2Z',
  members:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6M18 14.5c2 .8 3.2 2.6 3.5 5.5',
  settings:
    'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 12h2M18 12h2M12 4v2M12 18v2M6.3 6.3l1.5 1.5M16.2 16.2l1.5 1.5M6.3 17.7l1.5-1.5M16.2 7.8l1.5-1.5',
  theme: 'M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8Z',
  bell: 'M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15ZM10 21h4',
  sync: 'M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5',
  folder: 'M3 6h6l2 2h10v11H3Z',
  file: 'M6 3h8l4 4v14H6ZM14 3v4h4',
  plus: 'M12 5v14M5 12h14',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4',
  copy: 'M9 9h11v11H9ZM5 15H4V4h11v1',
  warning: 'M12 4 2.5 20h19ZM12 10v4M12 17h.01',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5M12 8h.01',
  error: 'M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3ZM12 8v5M12 16h.01',
  pause: 'M9 5v14M15 5v14',
  play: 'M8 5v14l11-7Z',
  back: 'M11 5l-7 7 7 7M4 12h16',
  check: 'M5 13l4 4L19 7',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14M10 11v6M14 11v6',
  edit: 'M4 20h4L19 9l-4-4L4 16ZM13 7l4 4',
  key: 'M14 14a5 5 0 1 0-4-4l-7 7v4h4l1-2h2v-2h2Z',
  cross: 'M6 6l12 12M18 6 6 18',
  upload: 'M12 16V4M7 9l5-5 5 5M4 16v4h16v-4',
  download: 'M12 4v12M7 11l5 5 5-5M4 16v4h16v-4',
  move: 'M3 6h6l2 2h10v11H3ZM9 13.5h7M13.5 11l2.5 2.5-2.5 2.5',
  clone: 'M8 8h12v12H8ZM4 16V4h12',
  filter: 'M4 5h16l-6 8v6l-4-2v-4Z',
  merge: 'M6 4v4c0 4 6 4 6 9v3M18 4v4c0 4-6 4-6 9M9 17l3 3 3-3',
} as const

/** The names of our icons. */
export type IconName = keyof typeof paths

/** An icon beside words; screen readers pass it over. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 3 : 1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  )
}
