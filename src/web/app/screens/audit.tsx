import { useMemo, useState } from 'preact/hooks'
import type { Account, Act, Group } from '@kith/client'
import { tame } from '@kith/markdown'
import { nameOf, whenOf } from '../lib/format'
import { useAsked } from '../lib/hooks'
import { t, type Key } from '../lib/i18n'
import { permGroups } from '../lib/perms'
import { attempt } from '../lib/session'
import { Choice, Field } from './field'
import { roleName } from './role'
import { Bones } from './sidebar'

const kinds = [
  'create', 'set', 'role.create', 'role.set', 'role.delete', 'role.allow', 'role.deny', 'role.grant', 'role.revoke', 'ban', 'unban', 'kick', 'mute', 'unmute',
  'panel.create', 'panel.set', 'panel.delete', 'invite.revoke', 'admit', 'node.ban', 'node.unban', 'owner.add', 'owner.resign',
] as const
type Kind = (typeof kinds)[number]
const isKind = (k: string): k is Kind => (kinds as readonly string[]).includes(k)
// Settings that have a name on a screen.
const settings: Readonly<Record<string, Key>> = {
  name: 'group.name', description: 'group.description', language: 'group.language', questions: 'group.questions', topic: 'group.topic',
  avatar: 'audit.picture', banner: 'audit.banner', url: 'web.address', slow: 'panel.slow', notify: 'panel.notify', order: 'audit.place', parent: 'audit.place',
}
const perms: readonly string[] = permGroups.flatMap(([, p]) => p)

function called(key: string): string {
  const known = settings[key]
  return known !== undefined ? t(known) : key
}
function permsOf(x: Act): string {
  return x.perms.map((p) => (perms.includes(p) ? t(`perm.${p}` as Key) : p)).join(', ')
}

// Every act of authority in words, newest first.
export function Audit({ a, group }: { a: Account; group: Group }) {
  const { value } = useAsked(() => a.call('audit.list', { group: group.id, limit: 100 }), [group.id])
  const roles = useAsked(() => a.call('role.list', { group: group.id }), [group.id]).value?.roles ?? []
  const [older, setOlder] = useState<readonly Act[]>([])
  const [over, setOver] = useState(false)
  const [who, setWho] = useState('')
  const [kind, setKind] = useState<Kind | ''>('')
  const acts = useMemo(() => [...(value?.acts ?? []), ...older], [value, older])
  const low = who.trim().toLowerCase()
  const shown = acts.filter((x) => (kind === '' || x.kind === kind) && (low === '' || [x.author, ...x.users].some((h) => h.toLowerCase().includes(low))))
  const panels = a.panels(group.id).value ?? []
  const say = (x: Act): string => {
    if (!isKind(x.kind)) return x.kind
    const role = roles.find((r) => r.id === x.role)
    return t(`audit.${x.kind}`, {
      whom: x.users.map(nameOf).join(', '),
      role: role !== undefined ? roleName(role) : t('audit.goneRole'),
      panel: panels.find((p) => p.id === x.panel)?.name ?? t('audit.gonePanel'),
      perms: permsOf(x),
      key: x.key !== '' ? called(x.key) : x.kind === 'set' ? t('new.join') : x.perms.length > 0 ? permsOf(x) : t('panel.readOnly'),
      node: x.node?.slice(0, 8) ?? '',
      name: tame(x.text),
    })
  }
  const more = (): Promise<boolean> =>
    attempt(async () => {
      const last = acts[acts.length - 1]
      const page = (await a.call('audit.list', { group: group.id, limit: 100, ...(last !== undefined && { before: last.order }) })).acts
      setOlder((was) => [...was, ...page])
      if (page.length < 100) setOver(true)
    })
  const named = (x: Act): boolean => x.kind === 'role.create' || x.kind === 'panel.create' || x.kind === 'create' || ['order', 'avatar', 'banner'].includes(x.key)
  return (
    <section>
      <div class="pair">
        <Field label={t('audit.who')} value={who} onValue={setWho} maxLength={64} />
        <Choice label={t('audit.what')} value={kind} onValue={setKind} options={[['', t('audit.all')], ...kinds.map((k) => [k, t(`audit.is.${k}`)] as const)]} />
      </div>
      {value === undefined && <Bones />}
      {value !== undefined && shown.length === 0 && <p class="soft">{t('audit.none')}</p>}
      <ul class="table audit">
        {shown.map((x) => (
          <li key={x.id} class={x.state === 'effective' ? '' : 'void'} title={x.id}>
            <span>
              <strong>{nameOf(x.author)}</strong> {say(x)} {x.text !== '' && !named(x) && <q>{tame(x.text)}</q>}
              <small>
                {whenOf(x.clock)}
                {x.until > 0 && ` · ${t('audit.until', { when: whenOf(x.until) })}`}
                {x.state !== 'effective' && ` · ${t('group.void')}`}
              </small>
            </span>
          </li>
        ))}
      </ul>
      {value?.acts.length === 100 && !over && (
        <button type="button" onClick={() => void more()}>
          {t('audit.more')}
        </button>
      )}
    </section>
  )
}
