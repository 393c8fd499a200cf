import { useState } from 'preact/hooks'
import type { Account, Level, Panel, PanelKind } from '@kith/client'
import { Dialog, Icon, toast } from '@kith/ui'
import { t } from '../../lib/i18n'
import { fitFor, looked, whole, type Fit } from '../../lib/page'
import { attempt } from '../../lib/session'
import { inside, within } from '../../lib/tree'
import { go } from '../../router'
import { Choice, Field } from '../field'

const slows = [0, 5, 10, 30, 60, 300, 900, 3600, 21600]

function spell(s: number): string {
  if (s === 0) return t('panel.slowOff')
  const [n, key] = s % 3600 === 0 ? ([s / 3600, 'panel.hours'] as const) : s % 60 === 0 ? ([s / 60, 'panel.minutes'] as const) : ([s, 'panel.seconds'] as const)
  return t(key, { n })
}

export function NewPanel({ a, group, parent, onClose }: { a: Account; group: string; parent?: string; onClose: () => void }) {
  const [name, setName] = useState('')
  const [kind, setKind] = useState<PanelKind>('chat')
  const [secret, setSecret] = useState(false)
  const [url, setUrl] = useState('')
  const [fit, setFit] = useState<Fit | undefined>(undefined)
  const make = (): Promise<boolean> =>
    attempt(async () => {
      const page = whole(url)
      // said once before it is made; whoever goes on has read it
      if (kind === 'web' && fit === undefined) {
        const f = fitFor(page) === 'ok' ? await looked(a, page) : fitFor(page)
        setFit(f)
        if (f !== 'ok') return
      }
      const made = await a.call('panel.new', { group, name: name.trim(), kind, private: secret, ...(parent !== undefined && { parent }) })
      if (kind === 'web') await a.call('panel.set', { group, panel: made.id, key: 'url', value: page })
      onClose()
      if (kind !== 'folder') go(`/${kind === 'web' ? 'w' : 'g'}/${group}/${made.id}`)
    })
  const never = fit === 'own' || fit === 'none'
  return (
    <Dialog title={t('new.panelTitle')} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void make()
        }}
      >
        <Field label={t('new.panelName')} value={name} onValue={setName} required maxLength={100} focus />
        <fieldset class="kinds">
          <legend>{t('new.kind')}</legend>
          {(['chat', 'announcement', 'web', 'folder'] as const).map((k) => (
            <label key={k}>
              <input type="radio" name="kind" checked={kind === k} onChange={() => setKind(k)} />
              <span>
                {t(`kind.${k}`)}
                <small>{t(`kind.${k}Hint`)}</small>
              </span>
            </label>
          ))}
        </fieldset>
        {kind === 'web' && <Page url={url} onUrl={(v) => (setUrl(v), setFit(undefined))} fit={fit} />}
        {kind !== 'folder' && (
          <label class="check">
            <input type="checkbox" checked={secret} onChange={(e) => setSecret(e.currentTarget.checked)} />
            {t('new.private')}
          </label>
        )}
        <button type="submit" class="main" disabled={never}>
          {fit !== undefined && fit !== 'ok' && !never ? t('web.anyway') : t('new.create')}
        </button>
      </form>
    </Dialog>
  )
}

function Page({ url, onUrl, fit }: { url: string; onUrl: (v: string) => void; fit: Fit | undefined }) {
  return (
    <>
      <Field label={t('web.address')} hint={t(location.protocol === 'https:' ? 'web.addressHint' : 'web.addressHintPlain')} value={url} onValue={onUrl} required maxLength={1024} />
      {fit !== undefined && fit !== 'ok' && (
        <p class="wrong" role="alert">
          <Icon name="circle-alert" size={18} />
          {t(`web.${fit}`)}
        </p>
      )}
    </>
  )
}

// What a panel is called and what it is for, and what holds for those who write there.
export function PanelSettings({ a, group, panel, onClose }: { a: Account; group: string; panel: Panel; onClose: () => void }) {
  const [name, setName] = useState(panel.name)
  const [topic, setTopic] = useState(panel.topic)
  const [slow, setSlow] = useState(panel.slow)
  const [closed, setClosed] = useState(!panel.open)
  const [notify, setNotify] = useState<Level>(panel.notify)
  const [folder, setFolder] = useState(panel.parent ?? '')
  const [url, setUrl] = useState(panel.url)
  const panels = a.panels(group).value ?? []
  const folders = panels.filter((p) => p.kind === 'folder' && !within(panels, p.id, panel.id))
  const chat = panel.kind === 'chat' || panel.kind === 'announcement'
  const save = (): Promise<boolean> =>
    attempt(async () => {
      const changes: (readonly [key: string, value: string, changed: boolean])[] = [
        ['name', name.trim(), name.trim() !== panel.name],
        ['topic', topic, topic !== panel.topic],
        ['slow', String(slow), slow !== panel.slow],
        ['open', String(!closed), closed === panel.open],
        ['notify', notify, notify !== panel.notify],
        ['parent', folder, folder !== (panel.parent ?? '')],
        ['url', whole(url), panel.kind === 'web' && whole(url) !== panel.url],
      ]
      for (const [key, value, changed] of changes) if (changed) await a.call('panel.set', { group, panel: panel.id, key, value })
      onClose()
      toast(t('app.saved'))
    })
  return (
    <Dialog title={t('panel.settingsOf', { name: panel.name })} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void save()
        }}
      >
        <Field label={t('new.panelName')} value={name} onValue={setName} required maxLength={100} focus />
        {panel.kind !== 'folder' && <Field label={t('group.topic')} value={topic} onValue={setTopic} maxLength={300} hint={t('panel.topicHint')} />}
        {panel.kind === 'web' && <Page url={url} onUrl={setUrl} fit={undefined} />}
        {(folders.length > 0 || folder !== '') && (
          <Choice label={t('panel.liesIn')} value={folder} onValue={setFolder} options={[['', t('panel.root')], ...folders.map((f) => [f.id, f.name] as const)]} />
        )}
        {chat && (
          <>
            <div class="pair">
              <Choice label={t('panel.slow')} value={slow} onValue={setSlow} options={[...new Set([...slows, panel.slow])].sort((x, y) => x - y).map((s) => [s, spell(s)] as const)} />
              <Choice label={t('panel.notify')} value={notify} onValue={setNotify} options={(['all', 'mentions', 'none'] as const).map((l) => [l, t(`notify.${l}`)] as const)} />
            </div>
            <label class="check">
              <input type="checkbox" checked={closed} onChange={(e) => setClosed(e.currentTarget.checked)} />
              <span>
                {t('panel.readOnly')}
                <small>{t('panel.readOnlyHint')}</small>
              </span>
            </label>
          </>
        )}
        <button type="submit" class="main">
          {t('app.save')}
        </button>
      </form>
    </Dialog>
  )
}

export function DeletePanel({ a, group, panel, onClose }: { a: Account; group: string; panel: Panel; onClose: () => void }) {
  const [children, setChildren] = useState<'move' | 'delete'>('move')
  const n = inside(a.panels(group).value ?? [], panel.id).length
  const gone = (): Promise<boolean> =>
    attempt(async () => {
      await a.call('panel.delete', { group, panel: panel.id, ...(panel.kind === 'folder' && { children }) })
      onClose()
      if (location.pathname.includes(panel.id)) go(`/g/${group}`, true)
    })
  return (
    <Dialog title={t('panel.deleteTitle', { name: panel.name })} closeLabel={t('app.close')} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void gone()
        }}
      >
        {panel.kind !== 'folder' && <p>{t('panel.deleteHint')}</p>}
        {n > 0 && (
          <fieldset class="kinds">
            <legend>{t('panel.deleteChildren', { n })}</legend>
            {(['move', 'delete'] as const).map((k) => (
              <label key={k}>
                <input type="radio" name="children" checked={children === k} onChange={() => setChildren(k)} />
                <span>{t(`children.${k}`)}</span>
              </label>
            ))}
          </fieldset>
        )}
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="danger">
            {t('panel.delete')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
