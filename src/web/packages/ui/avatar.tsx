// A person or a group without a picture: the first letter on a colour that stays theirs.

const hues = 8

function hueOf(key: string): number {
  let h = 0
  for (const c of key) h = (h * 31 + (c.codePointAt(0) ?? 0)) >>> 0
  return h % hues
}

const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

export function initial(name: string): string {
  for (const { segment } of segments.segment(name.trim())) return segment.toLocaleUpperCase()
  return '?'
}

// src: its picture, if it has one.
export function Avatar({ id, name, src, size = 36, square = false }: { id: string; name: string; src?: string; size?: number; square?: boolean }) {
  const shape = `avatar size-${size}${square ? ' square' : ''}`
  if (src !== undefined) return <img class={shape} src={src} alt="" width={size} height={size} loading="lazy" decoding="async" />
  return (
    <span class={shape} data-hue={hueOf(id)} aria-hidden="true">
      {initial(name)}
    </span>
  )
}
