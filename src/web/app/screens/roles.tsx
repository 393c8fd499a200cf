import { useState } from 'preact/hooks'
import type { Account, Group, Role } from '@kith/client'
import { Dialog, Icon, toast } from '@kith/ui'
import { useAsked } from '../lib/hooks'
import { t } from '../lib/i18n'
import { permGroups } from '../lib/perms'
import { attempt } from '../lib/session'
import { go } from '../router'
import { Choice, Field } from './field'
import { calledIn, Face } from './person'
import { made, roleName } from './role'
import { Bones } from './sidebar'

export function Roles({ a, group }: { a: Account; group: Group }) {
  const { value, again } = useAsked(() => a.call('role.list', { group: group.id }), [group.id, a.perms(group.id).value])
  const [at, setAt] = useState<string | undefined>(undefined)
  const [making, setMaking] = useState(false)
  // nobody follows a group yet
  const roles = (value?.roles ?? []).filter((r) => made(r) || r.name !== 'Follower').sort((x, y) => y.level - x.level || (made(x) ? x.name.localeCompare(y.name) : y.name.localeCompare(x.name)))
  const role = roles.find((r) => r.id === at)
  const manage = group.owner || a.may(group.id, 'role.manage')
  return (
    <section>
      <p class="soft">{t('role.hint')}</p>
      {manage && (
        <button type="button" class="main" onClick={() => setMaking(true)}>
          {t('role.new')}
        </button>
      )}
      {value === undefined && <Bones />}
      <ul class="table">
        {roles.map((r) => (
          <li key={r.id}>
            <button type="button" class="row tall" aria-haspopup="dialog" onClick={() => setAt(r.id)}>
              <span>
                {roleName(r)}
                <small>{made(r) ? t('role.levelAnd', { level: r.level, n: r.holders.length }) : t('role.implicit')}</small>
              </span>
              <Icon name="chevron-right" size={16} />
            </button>
          </li>
        ))}
      </ul>
      {role !== undefined && <RoleCard a={a} group={group} role={role} manage={manage} onClose={() => setAt(undefined)} again={again} />}
      {making && (
        <NewRole
          a={a}
          group={group}
          onClose={(id) => {
            setMaking(false)
            again()
            if (id !== undefined) setAt(id)
          }}
        />
      )}
    </section>
  )
}

function Perms({ has, may, fixed, onToggle }: { has: ReadonlySet<string>; may: (perm: string) => boolean; fixed: boolean; onToggle: (perm: string, on: boolean) => void }) {
  return (
    <div class="perms">
      {permGroups.map(([g, perms]) => (
        <fieldset key={g}>
          <legend>{t(`perms.${g}`)}</legend>
          {perms.map((p) => (
            <label key={p} class="check">
              <input type="checkbox" checked={has.has(p)} disabled={fixed || !may(p)} onChange={(e) => onToggle(p, e.currentTarget.checked)} />
              {t(`perm.${p}`)}
            </label>
          ))}
        </fieldset>
      ))}
    </div>
  )
}

// What a role may, who holds it, and how the group looks to them.
function RoleCard({ a, group, role, manage, onClose, again }: { a: Account; group: Group; role: Role; manage: boolean; onClose: () => void; again: () => void }) {
  const members = (a.members(group.id).value ?? []).filter((m) => !m.banned)
  const others = members.filter((m) => !role.holders.includes(m.uid))
  const [whom, setWhom] = useState('')
  const act = (f: () => Promise<unknown>): void => void attempt(() => f().then(again))
  return (
    <Dialog title={roleName(role)} closeLabel={t('app.close')} onClose={onClose}>
      <p class="soft">{made(role) ? t('role.levelHint', { level: role.level }) : t('role.implicitHint')}</p>
      <button
        type="button"
        onClick={() =>
          void attempt(async () => {
            await a.viewAs(group.id, role)
            onClose()
            go(`/g/${group.id}`)
          })
        }
      >
        <Icon name="eye" size={16} />
        {t('role.viewAs')}
      </button>
      <Perms
        has={new Set(role.perms)}
        may={(p) => !made(role) || role.may.includes(p)}
        fixed={!manage}
        onToggle={(p, on) => act(() => a.call('role.set', { group: group.id, role: role.id, perms: [p], allow: on }))}
      />
      {made(role) && (
        <>
          <h3>{t('role.holders', { n: role.holders.length })}</h3>
          <ul class="table">
            {role.holders.map((uid) => {
              const m = members.find((x) => x.uid === uid)
              return (
                <li key={uid}>
                  <Face a={a} uid={uid} handle={m?.handle ?? ''} group={group.id} />
                  <span>{calledIn(a, uid, m?.handle ?? uid.slice(0, 8), group.id)}</span>
                  {(manage || uid === a.me.value.uid) && (
                    <button type="button" onClick={() => act(() => a.call('role.revoke', { group: group.id, role: role.id, user: uid }))}>
                      {t('role.take')}
                    </button>
                  )}
                </li>
              )
            })}
          </ul>
          {manage && others.length > 0 && (
            <form
              class="find"
              onSubmit={(e) => {
                e.preventDefault()
                const user = whom
                if (user === '') return
                setWhom('')
                act(() => a.call('role.grant', { group: group.id, role: role.id, user }))
              }}
            >
              <Choice label={t('role.giveTo')} value={whom} onValue={setWhom} options={[['', t('role.whom')], ...others.map((m) => [m.uid, m.handle] as const)]} />
              <button type="submit" class="main" disabled={whom === ''}>
                {t('role.give')}
              </button>
            </form>
          )}
          {manage && (
            <div class="actions">
              <button
                type="button"
                class="danger"
                onClick={() =>
                  void attempt(async () => {
                    await a.call('role.delete', { group: group.id, role: role.id })
                    onClose()
                    again()
                    toast(t('role.deleted', { name: role.name }))
                  })
                }
              >
                {t('role.delete')}
              </button>
            </div>
          )}
        </>
      )}
    </Dialog>
  )
}

function NewRole({ a, group, onClose }: { a: Account; group: Group; onClose: (id?: string) => void }) {
  const [name, setName] = useState('')
  const [level, setLevel] = useState(30)
  const [perms, setPerms] = useState<ReadonlySet<string>>(new Set(['panel.view', 'panel.history', 'members.view', 'message.send', 'message.react', 'message.link']))
  const all = permGroups.flatMap(([, p]) => p)
  const make = (): Promise<boolean> =>
    attempt(async () => {
      const r = await a.call('role.new', { group: group.id, name: name.trim(), level, perms: [...perms], may: all.filter((p) => group.owner || a.may(group.id, p)) })
      onClose(r.id)
    })
  return (
    <Dialog title={t('role.new')} closeLabel={t('app.close')} onClose={() => onClose()}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void make()
        }}
      >
        <div class="pair">
          <Field label={t('role.name')} value={name} onValue={setName} required maxLength={100} focus />
          <Choice label={t('role.level')} value={level} onValue={setLevel} options={[80, 70, 60, 40, 30, 20, 10].map((l) => [l, String(l)] as const)} />
        </div>
        <p class="soft">{t('role.newHint')}</p>
        <Perms
          has={perms}
          may={(p) => group.owner || a.may(group.id, p)}
          fixed={false}
          onToggle={(p, on) => setPerms((was) => new Set(on ? [...was, p] : [...was].filter((x) => x !== p)))}
        />
        <button type="submit" class="main">
          {t('new.create')}
        </button>
      </form>
    </Dialog>
  )
}
