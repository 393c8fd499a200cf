import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Account, Group, Panel } from '@kith/client'
import { Icon, Menu, toast, type IconName, type MenuItem } from '@kith/ui'
import { t } from '../lib/i18n'
import { withCtrl } from '../lib/keys'
import { attempt } from '../lib/session'
import { inside, placed, step, within, type Place, type Step } from '../lib/tree'
import { open, pinRight } from './open'
import { here, pathOf, unreadOf } from './place'
import { Badge } from './rail'

// What is dragged: GROUP/PANEL.
export const PANEL_TYPE = 'application/x-kith-panel'
const arrows: Readonly<Record<string, Step>> = { ArrowUp: 'up', ArrowDown: 'down', ArrowRight: 'in', ArrowLeft: 'out' }
type Drop = 'before' | 'after' | 'into'

export function iconOf(p: Panel): IconName {
  if (p.kind === 'folder') return 'folder'
  if (p.kind === 'web') return 'globe'
  return p.kind === 'announcement' ? 'megaphone' : p.private ? 'lock' : 'hash'
}

// The panels of a group in their folders. Whoever may put them elsewhere does so by drag, by Ctrl and arrows, or from the menu.
export function PanelTree({ a, group, panels }: { a: Account; group: Group; panels: readonly Panel[] }) {
  const [menu, setMenu] = useState<{ x: number; y: number; p: Panel } | undefined>(undefined)
  const [over, setOver] = useState<{ id: string; drop: Drop } | undefined>(undefined)
  const dragged = useRef<Panel | undefined>(undefined)
  const refocus = useRef<string | undefined>(undefined)
  const root = useRef<HTMLDivElement>(null)
  const manage = a.may(group.id, 'panel.manage')

  useLayoutEffect(() => {
    const id = refocus.current
    if (id === undefined || document.activeElement !== document.body) return
    root.current?.querySelector<HTMLElement>(`[data-panel="${id}"]`)?.focus()
  }, [panels])

  // One after another: each step starts from where the one before has led.
  const moves = useRef<Promise<unknown>>(Promise.resolve())
  const stepOn = (p: Panel, way: Step): void => {
    moves.current = moves.current.then(async () => {
      const now = a.panels(group.id).value ?? panels
      const at = now.find((x) => x.id === p.id)
      const to = at !== undefined ? step(now, at, way) : undefined
      if (at === undefined || to === undefined) return
      await move(at, to, true)
      await a.loadPanels(group.id)
    })
  }
  const move = async (p: Panel, to: Place | undefined, keys = false): Promise<void> => {
    if (to === undefined) return
    const now = a.panels(group.id).value ?? panels
    const siblings = inside(now, to.parent).filter((x) => x.id !== p.id)
    refocus.current = keys ? p.id : undefined
    await attempt(async () => {
      if (to.parent !== p.parent) await a.call('panel.set', { group: group.id, panel: p.id, key: 'parent', value: to.parent ?? '' })
      for (const [panel, value] of placed(siblings, to.at, p, Date.now())) await a.call('panel.set', { group: group.id, panel, key: 'order', value })
      const folder = panels.find((x) => x.id === to.parent)
      if (keys) toast(folder === undefined ? t('panel.moved', { name: p.name, n: to.at + 1 }) : t('panel.movedInto', { name: p.name, folder: folder.name, n: to.at + 1 }))
    })
  }
  const onKey = (e: KeyboardEvent, p: Panel): void => {
    if (e.altKey && e.key === 'Enter' && p.kind !== 'folder' && p.kind !== 'web') {
      pinRight({ group: group.id, panel: p.id })
      e.preventDefault()
      return
    }
    if (!manage) return
    const way = withCtrl(e) ? arrows[e.key] : undefined
    if (way !== undefined) stepOn(p, way)
    else if (e.key === 'F2') open.value = { is: 'panel', group: group.id, panel: p.id }
    else if (e.key === 'Delete') open.value = { is: 'delete-panel', group: group.id, panel: p.id }
    else return
    e.preventDefault()
    e.stopPropagation()
  }
  const dropOf = (e: DragEvent, p: Panel): Drop | undefined => {
    const d = dragged.current
    if (!manage || d === undefined || within(panels, p.id, d.id)) return undefined
    const box = (e.currentTarget as HTMLElement).getBoundingClientRect()
    const y = (e.clientY - box.top) / box.height
    if (p.kind === 'folder' && y > 0.25 && y < 0.75) return 'into'
    return y < 0.5 ? 'before' : 'after'
  }
  const onDrop = (p: Panel, drop: Drop): void => {
    const d = dragged.current
    if (d === undefined) return
    if (drop === 'into') void move(d, { parent: p.id, at: inside(panels, p.id).filter((x) => x.id !== d.id).length })
    else {
      const all = inside(panels, p.parent).filter((x) => x.id !== d.id)
      void move(d, { parent: p.parent, at: all.findIndex((x) => x.id === p.id) + (drop === 'after' ? 1 : 0) })
    }
  }
  const row = (p: Panel): object => ({
    'data-panel': p.id,
    'data-drop': over?.id === p.id ? over.drop : undefined,
    draggable: manage || p.kind !== 'folder',
    onClick: (e: MouseEvent) => {
      if (!e.altKey || p.kind === 'folder') return
      pinRight({ group: group.id, panel: p.id })
      e.preventDefault()
    },
    onKeyDown: (e: KeyboardEvent) => onKey(e, p),
    onContextMenu: (e: MouseEvent) => {
      e.preventDefault()
      const box = (e.currentTarget as HTMLElement).getBoundingClientRect()
      setMenu({ p, x: e.clientX || box.left + 24, y: e.clientY || box.bottom })
    },
    onDragStart: (e: DragEvent) => {
      dragged.current = p
      if (e.dataTransfer !== null) {
        e.dataTransfer.effectAllowed = 'move'
        e.dataTransfer.setData('text/plain', p.name)
        if (p.kind !== 'folder') e.dataTransfer.setData(PANEL_TYPE, `${group.id}/${p.id}`)
      }
      e.stopPropagation()
    },
    onDragEnd: () => {
      dragged.current = undefined
      setOver(undefined)
    },
    onDragOver: (e: DragEvent) => {
      const drop = dropOf(e, p)
      if (drop === undefined) return
      e.preventDefault()
      if (over?.id !== p.id || over.drop !== drop) setOver({ id: p.id, drop })
    },
    onDrop: (e: DragEvent) => {
      const drop = dropOf(e, p)
      e.preventDefault()
      if (drop !== undefined) onDrop(p, drop)
      setOver(undefined)
    },
  })
  const items = (p: Panel): MenuItem[] => {
    const set = (is: 'panel' | 'delete-panel') => () => void (open.value = { is, group: group.id, panel: p.id })
    const steps = [
      ['up', 'arrow-up', 'panel.up'],
      ['down', 'arrow-down', 'panel.down'],
      ['in', 'folder-input', 'panel.in'],
      ['out', 'folder-output', 'panel.out'],
    ] as const
    return [
      ...(p.kind !== 'folder' && p.kind !== 'web'
        ? [
            { label: t('panel.pinRight'), icon: 'panel-right' as const, do: () => pinRight({ group: group.id, panel: p.id }) },
            { label: t('panel.markRead'), icon: 'check' as const, do: () => a.markRead(group.id, p.id) },
          ]
        : []),
      ...(!manage
        ? []
        : [
            { label: t('panel.settings'), icon: 'settings' as const, do: set('panel') },
            ...(p.kind === 'folder' ? [{ label: t('shell.newPanel'), icon: 'plus' as const, do: () => void (open.value = { is: 'new-panel', group: group.id, parent: p.id }) }] : []),
            ...steps.flatMap(([way, icon, key]) => {
              const to = step(panels, p, way)
              return to === undefined ? [] : [{ label: t(key), icon, do: () => void move(p, to) }]
            }),
            { label: t('panel.delete'), icon: 'trash-2' as const, danger: true, do: set('delete-panel') },
          ]),
    ]
  }
  const more = (p: Panel) =>
    (manage || p.kind !== 'folder') && (
      <button
        type="button"
        class="plain more"
        tabIndex={-1}
        aria-label={t('panel.menu', { name: p.name })}
        onClick={(e) => {
          const box = e.currentTarget.getBoundingClientRect()
          setMenu({ p, x: box.left, y: box.bottom + 2 })
          e.preventDefault()
          e.stopPropagation()
        }}
      >
        <Icon name="ellipsis" size={16} />
      </button>
    )
  const branch = (folder: string | null) => (
    <ul>
      {inside(panels, folder).map((p) => (
        <li key={p.id}>
          {p.kind === 'folder' ? (
            <details open>
              <summary class="row" {...row(p)}>
                <Icon name="chevron-right" size={14} />
                <span>{p.name}</span>
                {manage && (
                  <button
                    type="button"
                    class="plain more"
                    aria-label={t('panel.newIn', { name: p.name })}
                    onClick={(e) => {
                      open.value = { is: 'new-panel', group: group.id, parent: p.id }
                      e.preventDefault()
                    }}
                  >
                    <Icon name="plus" size={16} />
                  </button>
                )}
                {more(p)}
              </summary>
              {branch(p.id)}
            </details>
          ) : (
            <div class="branch">
              <PanelRow a={a} group={group} p={p} row={row(p)} />
              {more(p)}
            </div>
          )}
        </li>
      ))}
    </ul>
  )
  return (
    <div ref={root}>
      {branch(null)}
      {menu !== undefined && <Menu items={items(menu.p)} x={menu.x} y={menu.y} label={menu.p.name} onClose={() => setMenu(undefined)} />}
    </div>
  )
}

function PanelRow({ a, group, p, row }: { a: Account; group: Group; p: Panel; row: object }) {
  const u = unreadOf(a, [p])
  const heard = p.notify === 'all' ? u : { count: p.notify === 'mentions' ? u.mentions : 0, mentions: p.notify === 'mentions' ? u.mentions : 0 }
  return (
    <a class={`row${heard.count > 0 ? ' unread' : ''}`} href={pathOf(group, p.id)} aria-current={here.value?.panelId === p.id ? 'page' : undefined} {...row}>
      <Icon name={iconOf(p)} size={18} {...(p.private && { label: t('shell.private') })} />
      <span>{p.name}</span>
      <DraftMark a={a} panel={p.id} />
      <Badge {...heard} />
    </a>
  )
}

// Something is written there and not sent.
export function DraftMark({ a, panel }: { a: Account; panel: string | undefined }) {
  if (panel === undefined || here.value?.panelId === panel || !a.drafts.value.has(panel)) return null
  return <Icon name="pencil" size={14} label={t('shell.draft')} />
}
