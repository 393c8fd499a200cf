import { useMemo, useState } from 'preact/hooks'
import { parse, tame, type Block, type Inline } from '@kith/markdown'
import { t } from '../lib/i18n'

// A message's text as elements; nothing of it is ever read as HTML.
export function Rich({ text, me }: { text: string; me: readonly string[] }) {
  const tree = useMemo(() => parse(tame(text)), [text])
  return <div class="rich">{tree.map((b, i) => block(b, i, me))}</div>
}

function block(b: Block, key: number, me: readonly string[]) {
  switch (b.t) {
    case 'par':
      return <p key={key}>{b.in.map((x, i) => inline(x, i, me))}</p>
    case 'pre':
      return (
        <pre key={key} tabIndex={0}>
          <code>{b.text}</code>
        </pre>
      )
    case 'quote':
      return <blockquote key={key}>{b.in.map((x, i) => block(x, i, me))}</blockquote>
    case 'list': {
      const items = b.items.map((item, i) => <li key={i}>{item.map((x, j) => inline(x, j, me))}</li>)
      return b.ordered ? (
        <ol key={key} start={b.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      )
    }
  }
}

function inline(x: Inline, key: number, me: readonly string[]) {
  switch (x.t) {
    case 'text':
      return x.text
    case 'break':
      return <br key={key} />
    case 'code':
      return <code key={key}>{x.text}</code>
    case 'link':
      return (
        <a key={key} href={x.href} target="_blank" rel="noopener noreferrer nofollow" title={x.href}>
          {x.text}
          {!x.plain && <small class="host"> ({new URL(x.href).host})</small>}
        </a>
      )
    case 'mention':
      return (
        <span key={key} class={`mention${me.some((n) => n.toLowerCase() === x.name.toLowerCase().replace(/#.*/, '')) || x.name === 'all' || x.name === 'here' ? ' mine' : ''}`}>
          @{x.name}
        </span>
      )
    case 'bold':
      return <strong key={key}>{x.in.map((y, i) => inline(y, i, me))}</strong>
    case 'italic':
      return <em key={key}>{x.in.map((y, i) => inline(y, i, me))}</em>
    case 'strike':
      return <s key={key}>{x.in.map((y, i) => inline(y, i, me))}</s>
    case 'spoiler':
      return <Spoiler key={key}>{x.in.map((y, i) => inline(y, i, me))}</Spoiler>
  }
}

function Spoiler({ children }: { children: preact.ComponentChildren }) {
  const [open, set] = useState(false)
  return open ? (
    <span class="spoiler open">{children}</span>
  ) : (
    <button type="button" class="spoiler" aria-label={t('chat.spoiler')} onClick={() => set(true)}>
      <span aria-hidden="true">{children}</span>
    </button>
  )
}
