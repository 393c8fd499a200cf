import { createElement } from 'preact'
import { icons, type IconName } from './icons.gen'

export type { IconName }

// label: what it says where no text stands beside it; without it the icon is an ornament.
export function Icon({ name, label, size = 20 }: { name: IconName; label?: string; size?: number }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      {...(label !== undefined ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}
    >
      {icons[name].map(([tag, attributes], i) => createElement(tag, { key: i, ...attributes }))}
    </svg>
  )
}

// Two interlaced loops, one unbroken line.
export function Mark({ size = 40 }: { size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="3.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d="M24 31.5c-2.6 3.6-6 6-10 6C8 37.5 4.5 31.6 4.5 24S8 10.5 14 10.5c9.5 0 10.5 27 20 27 6 0 9.5-5.900 9.5-13.5S40 10.5 34 10.5c-4 0-7.400 2.400-10 6" />
    </svg>
  )
}
